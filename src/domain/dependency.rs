//! What must be online before a resource starts? An expression over the other resources of its group.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};

use super::ResourceName;
use super::name::check_name;

/// How deep parentheses may nest: far beyond what a person reads.
const DEEPEST: usize = 16;

/// `ip`, or `(ip4 or ip6) and disk`. `and` binds closer than `or`. The empty text depends on nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dependency {
    Resource(ResourceName),
    /// Every one of them. None: always fulfilled.
    All(Vec<Self>),
    /// At least one of them.
    Any(Vec<Self>),
}

impl Dependency {
    /// Depends on nothing.
    pub const NOTHING: Self = Self::All(Vec::new());

    /// Whether it is fulfilled when `online` says which resources are online.
    pub fn is_met(&self, online: &dyn Fn(&ResourceName) -> bool) -> bool {
        match self {
            Self::Resource(name) => online(name),
            Self::All(parts) => parts.iter().all(|part| part.is_met(online)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met(online)),
        }
    }

    /// Every resource that it names.
    pub fn names(&self) -> BTreeSet<&ResourceName> {
        match self {
            Self::Resource(name) => BTreeSet::from([name]),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }

    /// Both it and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut parts), other) => {
                if !parts.contains(&other) {
                    parts.push(other);
                }
                Self::All(parts)
            }
            (one, other) if one == other => one,
            (one, other) => Self::All(vec![one, other]),
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Resource(name) => return f.write_str(name.as_str()),
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (i, part) in parts.iter().enumerate() {
            let separator = if i == 0 { "" } else { word };
            match part {
                Self::Resource(name) => write!(f, "{separator}{name}")?,
                inner => write!(f, "{separator}({inner})")?,
            }
        }
        Ok(())
    }
}

impl From<Dependency> for String {
    fn from(dependency: Dependency) -> Self {
        dependency.to_string()
    }
}

impl TryFrom<String> for Dependency {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Dependency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::NOTHING);
        }
        let spaced = text.replace('(', " ( ").replace(')', " ) ");
        let mut words = Words { left: spaced.split_whitespace().collect(), text };
        let dependency = words.any(0)?;
        match words.left.first().copied() {
            None => Ok(dependency),
            Some(")") => Err(words.wrong("has a `)` without its `(`")),
            Some(word) => Err(words.wrong(&format!("has no `and` or `or` before `{word}`"))),
        }
    }
}

/// The words of an expression that were not read yet.
struct Words<'a> {
    left: Vec<&'a str>,
    text: &'a str,
}

impl Words<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("{:?} {what}; write it like \"ip\" or \"(ip4 or ip6) and disk\"", self.text)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.left.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
        if found {
            self.left.remove(0);
        }
        found
    }

    fn any(&mut self, depth: usize) -> Result<Dependency, String> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(joined(parts, Dependency::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Dependency, String> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(joined(parts, Dependency::All))
    }

    fn one(&mut self, depth: usize) -> Result<Dependency, String> {
        if depth > DEEPEST {
            return Err(self.wrong(&format!("nests deeper than {DEEPEST} parentheses")));
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(self.wrong("has a `(` without its `)`")) };
        }
        let Some(word) = self.left.first().copied() else {
            return Err(self.wrong("ends where the name of a resource is expected"));
        };
        if matches!(word, ")") || word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or") {
            return Err(self.wrong(&format!("has `{word}` where the name of a resource is expected")));
        }
        check_name(word).map_err(|reason| self.wrong(&format!("names {word:?}, which is no name: {reason}")))?;
        self.left.remove(0);
        word.parse().map(Dependency::Resource).map_err(|reason: super::NameError| self.wrong(&reason.to_string()))
    }
}

fn joined(mut parts: Vec<Dependency>, several: fn(Vec<Dependency>) -> Dependency) -> Dependency {
    if parts.len() == 1 { parts.swap_remove(0) } else { several(parts) }
}

impl utoipa::PartialSchema for Dependency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Resources of the same group, joined by `and`, `or` and parentheses; empty: none."))
            .format(Some(schema::SchemaFormat::Custom("dependency".to_owned())))
            .examples(["ip", "(ip4 or ip6) and disk"])
            .into()
    }
}

impl utoipa::ToSchema for Dependency {
    fn name() -> std::borrow::Cow<'static, str> {
        "Dependency".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_is_meant() {
        let table = [
            ("ip", "ip"),
            ("", ""),
            ("a and b or c", "(a and b) or c"),
            ("(ip4 or ip6) and disk", "(ip4 or ip6) and disk"),
            (" ( a ) AND(b OR c)", "a and (b or c)"),
        ];
        for (text, canonical) in table {
            let read: Dependency = text.parse().unwrap();
            assert_eq!(read.to_string(), canonical);
            assert_eq!(read.to_string().parse::<Dependency>().unwrap(), read);
        }
        let read: Dependency = "(ip4 or ip6) and disk".parse().unwrap();
        let with = |online: &[&str]| read.is_met(&|name| online.contains(&name.as_str()));
        assert!(with(&["ip6", "disk"]) && !with(&["ip6"]) && !with(&["disk"]));
        assert!(Dependency::NOTHING.is_met(&|_| false));
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        for text in ["and", "a b", "(a", "a)", "a and", "a or or b", "a & b", "()", &"(".repeat(40)] {
            let reason = text.parse::<Dependency>().unwrap_err();
            assert!(reason.contains("write it like"), "{text}: {reason}");
        }
    }
}
