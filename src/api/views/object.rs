//! How does an object of the topology look to a reader? As it stands in the document, and beside that what only reads.
//!
//! Nothing but schemas: what is answered is the document's JSON, with these fields added.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::board::VirtualInstance;
use crate::domain::{
    ClusterInstanceType, GroupSpec, HandlerSpec, HostSpec, InstanceSpec, NodeSpec, ResourceSpec, ServiceState,
};

/// The read-only fields of views; a body may bring them, as it was read, and they are dropped.
pub const READ_ONLY: [&str; 5] =
    ["generation", "cluster_instance_type", "service_state", "message", "virtual_instance"];

type Fields = Vec<(&'static str, RefOr<Schema>)>;

fn extended<T: PartialSchema>(fields: Fields) -> RefOr<Schema> {
    match T::schema() {
        RefOr::T(Schema::Object(mut object)) => {
            object.properties.extend(fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

fn generation() -> (&'static str, RefOr<Schema>) {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .read_only(true)
        .description(Some("The change that last touched it; its ETag."));
    ("generation", schema.into())
}

fn seen() -> Fields {
    let message = ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([Type::String, Type::Null]))
        .read_only(true)
        .description(Some("What it waits for or what went wrong last."));
    vec![
        ("cluster_instance_type", Ref::from_schema_name("ClusterInstanceType").into()),
        ("service_state", Ref::from_schema_name("ServiceState").into()),
        ("message", message.into()),
    ]
}

macro_rules! view {
    ($(#[$doc:meta])* $name:ident of $spec:ty, $fields:expr, [$($uses:ty),*]) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                extended::<$spec>($fields)
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                <$spec>::schemas(schemas);
                $(
                    <$uses>::schemas(schemas);
                    schemas.push((<$uses>::name().into_owned(), <$uses>::schema()));
                )*
            }
        }
    };
}

view!(
    /// A node of the topology.
    NodeView of NodeSpec, vec![generation()], []
);
view!(
    /// A group of the topology.
    GroupView of GroupSpec, vec![generation()], []
);
view!(
    /// A resource of a group. Its ETag is its group's.
    ResourceView of ResourceSpec, Vec::new(), []
);
view!(
    /// An adapter handler of the topology.
    HandlerView of HandlerSpec, vec![generation()], []
);
view!(
    /// A host on a node, as wanted and as seen. Its ETag is its host's.
    InstanceView of InstanceSpec, seen(), [ClusterInstanceType, ServiceState]
);
view!(
    /// A host of the topology, with what is seen of its instances.
    HostView of HostSpec,
    vec![
        generation(),
        ("cluster_instance_type", Ref::from_schema_name("ClusterInstanceType").into()),
        ("virtual_instance", Ref::from_schema_name("VirtualInstance").into()),
        ("instances", ArrayBuilder::new().items(Ref::from_schema_name("InstanceView")).into()),
    ],
    [ClusterInstanceType, VirtualInstance, InstanceView]
);

/// A merge patch (RFC 7396): fields to replace, and null for those to remove.
#[derive(Debug, ToSchema)]
#[schema(value_type = Object)]
pub struct MergePatch(pub serde_json::Value);
