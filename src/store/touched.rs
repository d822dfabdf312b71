//! What did a change touch, and what was the whole then? History keeps what differs, not a document for each change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::differs;
use super::state::{Object, State};

/// A change, as the parts of the document that it touched. What it says of lists is by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Touched {
    /// Fields of the document that are no lists of objects, as they are after it; null where there is none any more.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    nodes: Items,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: Items,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    hosts: Items,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    handlers: Items,
}

/// What a list has under a name now; none where it is gone.
type Items = BTreeMap<String, Option<Item>>;

/// An object and its place in its list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    position: u64,
    spec: Value,
}

impl Touched {
    /// What differs from `before` to `after`.
    pub fn between(before: &State, after: &State) -> serde_json::Result<Self> {
        Ok(Self {
            fields: fields(before, after)?,
            nodes: items(&before.nodes, &after.nodes)?,
            groups: items(&before.groups, &after.groups)?,
            hosts: items(&before.hosts, &after.hosts)?,
            handlers: items(&before.handlers, &after.handlers)?,
        })
    }

    /// How many objects it touched.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.groups.len() + self.hosts.len() + self.handlers.len()
    }

    /// Makes the document before it the one after it.
    pub fn apply(self, document: &mut Value) {
        let Some(document) = document.as_object_mut() else { return };
        for (field, value) in self.fields {
            match value {
                Value::Null => drop(document.remove(&field)),
                value => drop(document.insert(field, value)),
            }
        }
        let lists =
            [("nodes", self.nodes), ("groups", self.groups), ("hosts", self.hosts), ("handlers", self.handlers)];
        for (list, touched) in lists.into_iter().filter(|(_, touched)| !touched.is_empty()) {
            let present = document.entry(list).or_insert_with(|| Value::Array(Vec::new()));
            let Some(present) = present.as_array_mut() else { continue };
            put(present, touched);
            // As documents are written: these two are absent where they are empty.
            if present.is_empty() && ["hosts", "handlers"].contains(&list) {
                document.remove(list);
            }
        }
    }
}

/// Untouched items stand where they stood, so each touched one finds its place from the front.
fn put(present: &mut Vec<Value>, touched: Items) {
    let name = |item: &Value| item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    present.retain(|item| !touched.contains_key(&name(item)));
    let mut items: Vec<Item> = touched.into_values().flatten().collect();
    items.sort_by_key(|item| item.position);
    for Item { position, spec } in items {
        let at = usize::try_from(position).unwrap_or(usize::MAX).min(present.len());
        present.insert(at, spec);
    }
}

fn fields(before: &State, after: &State) -> serde_json::Result<Map<String, Value>> {
    let (was, is) = (&before.cluster, &after.cluster);
    let mut fields = Map::new();
    let mut say = |field: &str, differs: bool, value: serde_json::Result<Value>| -> serde_json::Result<()> {
        if differs {
            fields.insert(field.to_owned(), value?);
        }
        Ok(())
    };
    let listed = |list: Value| if list.as_array().is_some_and(Vec::is_empty) { Value::Null } else { list };
    say("settings", was.settings != is.settings, serde_json::to_value(is.settings))?;
    say("policy", was.policy != is.policy, serde_json::to_value(is.policy))?;
    let common = serde_json::to_value(&is.common_dependencies).map(listed);
    say("common_dependencies", was.common_dependencies != is.common_dependencies, common)?;
    say("waivers", was.waivers != is.waivers, serde_json::to_value(&is.waivers).map(listed))?;
    say("maintenance", was.maintenance != is.maintenance, serde_json::to_value(&is.maintenance))?;
    Ok(fields)
}

fn items<N: Ord + AsRef<str>, S: Serialize + PartialEq, K>(
    before: &BTreeMap<N, Object<S, K>>,
    after: &BTreeMap<N, Object<S, K>>,
) -> serde_json::Result<Items> {
    let same = |was: &Object<S, K>, is: &Object<S, K>| {
        (was.retired, was.position) == (is.retired, is.position) && was.spec == is.spec
    };
    let mut items = Items::new();
    for (name, was, is) in differs::changed(before, after, same) {
        if is.retired && was.is_none_or(|was| was.retired) {
            continue;
        }
        let item = match is.retired {
            true => None,
            false => Some(Item { position: is.position, spec: serde_json::to_value(&is.spec)? }),
        };
        items.insert(name.as_ref().to_owned(), item);
    }
    for (name, _) in differs::gone(before, after).filter(|(_, was)| !was.retired) {
        items.insert(name.as_ref().to_owned(), None);
    }
    Ok(items)
}
