//! What is the shape of a topology document, as JSON schema? The same for the OpenAPI document and for checking.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, Discriminator, Object, ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::TopologySpec;
use crate::domain::{
    Dependency, HumanDuration, NodeName, OcfSpec, ProcessSpec, ResourceClass, ResourceName, ResourceSpec,
    RestartPolicy, RunSpec, SystemdSpec,
};

/// A value of `type`, and the schemas of a resource of that type and of what a host runs of it.
pub(super) struct TypeSchemas {
    pub word: &'static str,
    pub resource: &'static str,
    pub run: &'static str,
}

/// Every value of a resource's `type` that a document may have.
pub(super) const RESOURCE_TYPES: [TypeSchemas; 3] = [
    TypeSchemas { word: "process", resource: "ProcessResource", run: "ProcessRun" },
    TypeSchemas { word: "systemd", resource: "SystemdResource", run: "SystemdRun" },
    TypeSchemas { word: "ocf", resource: "OcfResource", run: "OcfRun" },
];

/// The schema's name for the fields that every resource has.
pub(super) const COMMON_FIELDS: &str = "ResourceCommon";

/// The fields of `ResourceSpec` beside its type's: its derived schema would be one that nothing satisfies, because the
/// closed shape of the type excludes them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ResourceCommon {
    /// Unique in its group.
    name: ResourceName,
    /// The only nodes on which it can run; absent: every node. A group can run where all its resources can.
    #[schema(nullable = false, min_items = 1)]
    possible_owners: Option<Vec<NodeName>>,
    /// What rules take it for; absent: what its type says.
    #[schema(nullable = false)]
    class: Option<ResourceClass>,
    /// Whether its failure is the group's. Without it, it stays failed and the group goes on.
    #[schema(required = false, default = true)]
    critical: bool,
    /// Resources of the group that are online before it starts, and whose stop stops it. Absent: it starts after the one
    /// before it in the document, and does not stop with it. Empty: it waits for nothing.
    #[schema(nullable = false)]
    depends_on: Option<Dependency>,
    #[schema(required = false)]
    restart: RestartPolicy,
    /// How long it may be on its way online before that counts as a failure. 100 ms to 1 h.
    #[schema(required = false, default = "3m")]
    pending_timeout: HumanDuration,
}

fn object_of<T: PartialSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::default(),
    }
}

/// The flat, closed shape of `base` and the fields of one type.
fn flat(base: Object, resource_type: &str, fields: Object) -> RefOr<Schema> {
    let mut flat = base;
    let word = ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some([resource_type]));
    flat.properties.insert("type".to_owned(), word.into());
    flat.properties.extend(fields.properties);
    flat.required.push("type".to_owned());
    flat.required.extend(fields.required);
    flat.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    RefOr::T(Schema::Object(flat))
}

fn fields_of(resource_type: &str) -> Object {
    match resource_type {
        "systemd" => object_of::<SystemdSpec>(),
        "ocf" => object_of::<OcfSpec>(),
        _ => object_of::<ProcessSpec>(),
    }
}

fn one_of(description: &str, schema: fn(&TypeSchemas) -> &'static str) -> RefOr<Schema> {
    let pointers = RESOURCE_TYPES.iter().map(|t| (t.word, format!("#/components/schemas/{}", schema(t))));
    let discriminator = Discriminator::with_mapping("type", pointers);
    let mut one_of = OneOfBuilder::new().description(Some(description)).discriminator(Some(discriminator));
    for t in &RESOURCE_TYPES {
        one_of = one_of.item(Ref::from_schema_name(schema(t)));
    }
    one_of.into()
}

impl PartialSchema for ResourceSpec {
    fn schema() -> RefOr<Schema> {
        one_of("A resource of a group: the fields of its `type` stand beside the common ones.", |t| t.resource)
    }
}

impl ToSchema for ResourceSpec {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for t in &RESOURCE_TYPES {
            schemas.push((t.resource.to_owned(), flat(object_of::<ResourceCommon>(), t.word, fields_of(t.word))));
        }
        schemas.push(("ResourceName".to_owned(), ResourceName::schema()));
        schemas.push(("NodeName".to_owned(), NodeName::schema()));
        schemas.push(("HumanDuration".to_owned(), HumanDuration::schema()));
        schemas.push(("RestartPolicy".to_owned(), RestartPolicy::schema()));
        schemas.push(("ResourceClass".to_owned(), ResourceClass::schema()));
        schemas.push(("Dependency".to_owned(), Dependency::schema()));
        ProcessSpec::schemas(schemas);
        RestartPolicy::schemas(schemas);
    }
}

impl PartialSchema for RunSpec {
    fn schema() -> RefOr<Schema> {
        one_of("What an instance of a host is: its `type` and the fields of that type.", |t| t.run)
    }
}

impl ToSchema for RunSpec {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for t in &RESOURCE_TYPES {
            schemas.push((t.run.to_owned(), flat(Object::default(), t.word, fields_of(t.word))));
        }
        ProcessSpec::schemas(schemas);
    }
}

/// Everything that a check refers to, under `/components/schemas`. What has a `type` is left open here: it is checked by
/// that, since `oneOf` can't say what is wrong.
pub(super) fn components() -> Value {
    let mut schemas = Vec::new();
    TopologySpec::schemas(&mut schemas);
    schemas.push(("TopologySpec".to_owned(), TopologySpec::schema()));
    schemas.push((COMMON_FIELDS.to_owned(), ResourceCommon::schema()));
    let mut map = serde_json::Map::new();
    for (name, schema) in schemas {
        map.insert(name, serde_json::to_value(schema).unwrap_or(Value::Bool(true)));
    }
    map.insert("ResourceSpec".to_owned(), json!({ "type": "object" }));
    map.insert("RunSpec".to_owned(), json!({ "type": "object" }));
    Value::Object(map)
}
