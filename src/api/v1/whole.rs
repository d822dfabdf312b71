//! What belongs to a cluster as a whole, and how is that changed in a document? Everything beside its objects.

use serde_json::{Map, Value};

use super::places::Places;
use super::writing::{self, Step};
use crate::api::problem::ApiError;
use crate::api::views::{ClusterView, WholeCluster};
use crate::domain::{Finding, Generation, TopologySpec};
use crate::store::{ClusterHead, Expect, Stored};

/// Its fields, in the document as in a body.
const FIELDS: [&str; 5] = ["settings", "policy", "common_dependencies", "waivers", "maintenance"];

/// Those that keep their value where a PUT has none.
const KEPT: [&str; 1] = ["maintenance"];

/// A body may bring them, as it was read, and they are dropped.
const READ_ONLY: [&str; 3] = ["id", "generation", "created_at"];

/// A cluster in a list.
pub fn in_list(head: ClusterHead) -> ClusterView {
    let ClusterHead { name, id, generation, created_at } = head;
    ClusterView { name, id, generation, created_at }
}

/// A cluster as a whole.
pub fn view(head: &ClusterHead, spec: &TopologySpec, generation: Generation) -> WholeCluster {
    let ClusterHead { name, id, created_at, .. } = head.clone();
    let TopologySpec { settings, policy, common_dependencies, waivers, maintenance, .. } = spec.clone();
    WholeCluster { name, id, generation, created_at, settings, policy, common_dependencies, waivers, maintenance }
}

/// Makes one change of the whole in a document.
pub fn change(stored: &Stored, document: &mut Value, step: &Step<'_>, expect: Expect) -> Result<(), ApiError> {
    let cluster = &stored.spec.cluster;
    expect.check("cluster", cluster.as_str(), Some(stored.generation))?;
    let whole = document.as_object_mut().ok_or_else(ApiError::internal)?;
    let present = FIELDS.into_iter().filter_map(|field| Some((field.to_owned(), whole.get(field)?.clone())));
    let present = Value::Object(present.collect());
    let mut new = match step {
        Step::Put(body) => put(body, &present)?,
        Step::Patch(patch) => {
            let mut patched = present.clone();
            writing::merge_object(&mut patched, patch)?;
            patched
        }
        Step::Delete => {
            return Err(ApiError::refused(format!(
                "cluster {cluster} is deleted by a call of its own, with all that is in it"
            )));
        }
    };
    let fields = new.as_object_mut().ok_or_else(ApiError::internal)?;
    check(fields, cluster.as_str())?;
    keep_marks(fields, &present);
    for field in FIELDS {
        match fields.remove(field) {
            Some(value) => drop(whole.insert(field.to_owned(), value)),
            None => drop(whole.remove(field)),
        }
    }
    Ok(())
}

fn put(body: &Value, present: &Value) -> Result<Value, ApiError> {
    let mut body = body.clone();
    let Some(fields) = body.as_object_mut() else {
        let detail = "what belongs to a cluster as a whole is a JSON object, like {\"settings\": {\"lease\": \"5s\"}}";
        return Err(ApiError::invalid(vec![Finding::new("", "wrong_type", detail)]));
    };
    writing::keep(fields, present, &KEPT);
    Ok(body)
}

/// Drops what only reads, and refuses what is no field of the whole.
fn check(fields: &mut Map<String, Value>, cluster: &str) -> Result<(), ApiError> {
    READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    let mut wrong = Vec::new();
    if let Some(name) = fields.remove("name").filter(|name| name != cluster) {
        let detail = format!("the body names {name}, and the path {cluster:?}: they must be the same");
        wrong.push(Finding::new("/name", "other_name", detail));
    }
    for field in fields.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let pointer = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
        let detail = format!("there is no field `{field}` here; known fields: {}", FIELDS.join(", "));
        wrong.push(Finding::new(pointer, "unknown_field", detail));
    }
    if wrong.is_empty() { Ok(()) } else { Err(ApiError::invalid(wrong)) }
}

/// A common dependency that is said to be down stays so where nothing is said of that.
fn keep_marks(fields: &mut Map<String, Value>, present: &Value) {
    let known = present["common_dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let wanted = fields.get_mut("common_dependencies").and_then(Value::as_array_mut).into_iter().flatten();
    for dependency in wanted.filter_map(Value::as_object_mut) {
        if let Some(present) = known.iter().find(|known| Some(&known["name"]) == dependency.get("name")) {
            writing::keep(dependency, present, &["down"]);
        }
    }
}

/// Where in the document stands what was sent of the whole, itself at `sent` in the request.
pub fn places(sent: &str) -> Places {
    Places(FIELDS.iter().map(|field| (format!("/{field}"), format!("{sent}/{field}"))).collect())
}
