//! What is the shape of a topology document, as JSON schema? The same for the OpenAPI document and for checking.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, Discriminator, Object, ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::TopologySpec;
use crate::domain::{HumanDuration, NodeName, ProcessSpec, ResourceName, ResourceSpec, RestartPolicy};

/// The values of a resource's `type`, each with the name of its schema.
pub(super) const RESOURCE_TYPES: [(&str, &str); 1] = [("process", "ProcessResource")];

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

/// The flat, closed shape of a resource of one type.
fn flat(resource_type: &str, fields: Object) -> Object {
    let mut flat = object_of::<ResourceCommon>();
    let word = ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some([resource_type]));
    flat.properties.insert("type".to_owned(), word.into());
    flat.properties.extend(fields.properties);
    flat.required.push("type".to_owned());
    flat.required.extend(fields.required);
    flat.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    flat
}

impl PartialSchema for ResourceSpec {
    fn schema() -> RefOr<Schema> {
        let pointers = RESOURCE_TYPES.map(|(word, name)| (word, format!("#/components/schemas/{name}")));
        let mut one_of = OneOfBuilder::new()
            .description(Some("A resource of a group: the fields of its `type` stand beside the common ones."))
            .discriminator(Some(Discriminator::with_mapping("type", pointers)));
        for (_, name) in RESOURCE_TYPES {
            one_of = one_of.item(Ref::from_schema_name(name));
        }
        one_of.into()
    }
}

impl ToSchema for ResourceSpec {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let process = flat("process", object_of::<ProcessSpec>());
        schemas.push(("ProcessResource".to_owned(), RefOr::T(Schema::Object(process))));
        schemas.push(("ResourceName".to_owned(), ResourceName::schema()));
        schemas.push(("NodeName".to_owned(), NodeName::schema()));
        schemas.push(("HumanDuration".to_owned(), HumanDuration::schema()));
        schemas.push(("RestartPolicy".to_owned(), RestartPolicy::schema()));
        ProcessSpec::schemas(schemas);
        RestartPolicy::schemas(schemas);
    }
}

/// Everything that a check refers to, under `/components/schemas`. A resource is left open here: it is checked
/// by its type, since `oneOf` can't say what is wrong.
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
    Value::Object(map)
}
