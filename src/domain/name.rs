//! What may a thing be called? One alphabet for every name, and one type for each kind of thing.

use std::borrow::Borrow;
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Longest name in characters: a DNS label, so that a name can become a host name, a cgroup or a file.
pub const MAX_NAME_LENGTH: usize = 63;

/// The pattern that every name matches, as shown in the OpenAPI documents.
pub const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name must not be empty")]
    Empty,
    #[error("a name has at most {MAX_NAME_LENGTH} characters, this one has {0}")]
    TooLong(usize),
    #[error("a name begins with a letter or digit and continues with letters, digits, '.', '_' or '-'; found {0:?}")]
    BadCharacter(char),
}

/// Checks `text` against the alphabet and length of names.
pub fn check_name(text: &str) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if !first.is_ascii_alphanumeric() {
        return Err(NameError::BadCharacter(first));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))) {
        return Err(NameError::BadCharacter(bad));
    }
    match text.chars().count() {
        length if length > MAX_NAME_LENGTH => Err(NameError::TooLong(length)),
        _ => Ok(()),
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(CompactString);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check_name(text).map(|()| Self(text.into()))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(NAME_PATTERN))
                    .max_length(Some(MAX_NAME_LENGTH))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

name_type!(
    /// The name of a cluster, unique in a control plane.
    ClusterName
);
name_type!(
    /// The name of a node, unique in its cluster.
    NodeName
);
name_type!(
    /// The name of a group, unique in its cluster.
    GroupName
);
name_type!(
    /// The name of a resource, unique in its group.
    ResourceName
);
name_type!(
    /// The name of a host, unique in its cluster.
    HostName
);
name_type!(
    /// The name of an adapter handler, unique in its cluster.
    HandlerName
);
name_type!(
    /// The name of a common dependency, unique in its cluster.
    DependencyName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_one_alphabet() {
        for good in ["bts1", "FtpReceive", "a", "0", "rack-a.node_7"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name("-a"), Err(NameError::BadCharacter('-')));
        assert_eq!(check_name("a b"), Err(NameError::BadCharacter(' ')));
        assert_eq!(check_name("ä"), Err(NameError::BadCharacter('ä')));
        assert_eq!(check_name(&"a".repeat(64)), Err(NameError::TooLong(64)));
    }
}
