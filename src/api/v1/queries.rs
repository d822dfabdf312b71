//! What may be asked of each list of objects?

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::lists::{Asked, Order, Words};
use crate::api::problem::ApiError;
use crate::domain::{Adapter, Direction, GroupName, GroupWanted, HostKind, HostName, NodeName, NodeWanted};

/// The query of a list: the field that tells its objects apart, the order that it has by itself, and by which fields it is filtered.
macro_rules! query {
    ($(#[$doc:meta])* $name:ident, $key:ident, $order:expr, sort $sort:literal,
        $($(#[$about:meta])* $field:ident: $type:ident,)*) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Only the one of this name; with `*` behind it, all whose names begin so.
            #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}[*]?$", example = "a*")]
            $key: Option<String>,
            $(
                $(#[$about])*
                #[param(value_type = Option<$type>)]
                $field: Option<$type>,
            )*
            /// By what the list is sorted; with `-` before it, from the end.
            #[param(pattern = $sort)]
            sort: Option<String>,
            /// Only these fields of each item, with commas between them.
            fields: Option<String>,
            /// 1 to 1000, default 50.
            limit: Option<u32>,
            /// `next_cursor` of the slice before.
            cursor: Option<String>,
        }

        impl $name {
            /// Reads it as asked of the list of `T` at `path`.
            pub fn of<T: ToSchema>(&self, path: &str) -> Result<Asked, ApiError> {
                let wanted: Vec<Option<(&'static str, Value)>> =
                    vec![$(self.$field.as_ref().map(|value| (stringify!($field), json!(value))),)*];
                let words = Words {
                    name: self.$key.as_deref(),
                    sort: self.sort.as_deref(),
                    fields: self.fields.as_deref(),
                    limit: self.limit,
                    cursor: self.cursor.as_deref(),
                };
                Asked::of::<T>(path, stringify!($key), $order, wanted.into_iter().flatten().collect(), &words)
            }
        }
    };
}

query!(
    /// Which clusters.
    Clusters, name, Order::by_name(), sort "^-?(name|generation)$",
);
query!(
    /// Which nodes.
    Nodes, name, Order::document(true), sort "^-?(name|generation)$",
    /// Only those of which this is wanted.
    wanted: NodeWanted,
    /// Only those in this one.
    fault_domain: String,
);
query!(
    /// Which groups.
    Groups, name, Order::document(true), sort "^-?(name|generation)$",
    /// Only those of which this is wanted.
    wanted: GroupWanted,
    /// Only those that prefer this node, among others.
    preferred_owners: NodeName,
);
query!(
    /// Which resources.
    Resources, name, Order::document(false), sort "^-?name$",
);
query!(
    /// Which hosts.
    Hosts, name, Order::document(true), sort "^-?(name|generation)$",
    /// Only those of this kind.
    kind: HostKind,
    /// Only those that are clustered in this group.
    clustered_in: GroupName,
);
query!(
    /// Which instances.
    Instances, node, Order::document(false), sort "^-?node$",
    /// Only those that may not be started, or that may.
    disabled: bool,
);
query!(
    /// Which handlers.
    Handlers, name, Order::document(true), sort "^-?(name|generation)$",
    /// Only those of this adapter.
    adapter: Adapter,
    /// Only those of this direction.
    direction: Direction,
    /// Only those that run in this host.
    host: HostName,
);
