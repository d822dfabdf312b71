//! What differs between two topology documents, by the names of objects?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// By the names of objects: `groups/ftp/failover/max_failovers`.
    pub path: String,
    /// Null where it was not there.
    #[schema(value_type = Option<Value>)]
    pub before: Option<Value>,
    /// Null where it is not there any more.
    #[schema(value_type = Option<Value>)]
    pub after: Option<Value>,
    /// The same on one line: `groups/ftp/failover/max_failovers: 1 -> 2`.
    pub text: String,
}

/// Every difference, in the order of the paths. Nothing counts as an empty document.
pub fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let nothing = Value::Object(serde_json::Map::new());
    let mut found = Vec::new();
    compare("", before.unwrap_or(&nothing), after.unwrap_or(&nothing), &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(was), Value::Object(is)) => {
            let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            keys.into_iter().for_each(|key| part(&join(path, key), was.get(key), is.get(key), found));
        }
        (Value::Array(was), Value::Array(is)) => match (named(was), named(is)) {
            (Some(was), Some(is)) => lists(path, &was, &is, found),
            _ => say(path, Some(before), Some(after), found),
        },
        _ => say(path, Some(before), Some(after), found),
    }
}

fn part(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    let is_list = |value: &Value| value.as_array().is_some_and(|items| !items.is_empty() && named(items).is_some());
    let empty = Value::Array(Vec::new());
    match (before, after) {
        (Some(before), Some(after)) => compare(path, before, after, found),
        // A list that comes or goes is its objects that do.
        (None, Some(list)) if is_list(list) => compare(path, &empty, list, found),
        (Some(list), None) if is_list(list) => compare(path, list, &empty, found),
        (before, after) => say(path, before, after, found),
    }
}

type Named<'a> = Vec<(String, &'a Value)>;

/// The items of a list by name, if all have one of their own.
fn named(items: &[Value]) -> Option<Named<'_>> {
    let named: Option<Named<'_>> = items.iter().map(|item| Some((name(item)?, item))).collect();
    let named = named?;
    let distinct: BTreeSet<&String> = named.iter().map(|(name, _)| name).collect();
    (distinct.len() == named.len()).then_some(named)
}

/// Waivers have no name but what they waive.
fn name(item: &Value) -> Option<String> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let waived = || Some([text("rule")?, text("object").unwrap_or_default()].join(" ").trim_end().to_owned());
    text("name").or_else(|| text("node")).map(str::to_owned).or_else(waived)
}

fn lists(path: &str, was: &Named<'_>, is: &Named<'_>, found: &mut Vec<Difference>) {
    let get = |list: &Named<'_>, key: &str| list.iter().position(|(name, _)| name == key);
    let names: BTreeSet<&String> = was.iter().chain(is).map(|(name, _)| name).collect();
    for name in names {
        let (before, after) = (get(was, name).map(|index| was[index].1), get(is, name).map(|index| is[index].1));
        part(&join(path, name), before, after, found);
    }
    let order = |list: &Named<'_>, other: &Named<'_>| -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).filter(|name| get(other, name).is_some()).collect()
    };
    let (before, after) = (order(was, is), order(is, was));
    if before != after {
        let text = format!("{path}: the order {} -> {}", before.join(", "), after.join(", "));
        let (before, after) = (Some(Value::from(before)), Some(Value::from(after)));
        found.push(Difference { path: path.to_owned(), before, after, text });
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn say(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    let is_object = |value: Option<&Value>| value.is_some_and(Value::is_object);
    let text = match (before, after) {
        (None, Some(_)) if is_object(after) => format!("{path}: added"),
        (Some(_), None) if is_object(before) => format!("{path}: removed"),
        (before, after) => format!("{path}: {} -> {}", shown(before), shown(after)),
    };
    found.push(Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned(), text });
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| shown(Some(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(before: &Value, after: &Value) -> Vec<String> {
        differences(Some(before), Some(after)).into_iter().map(|difference| difference.text).collect()
    }

    #[test]
    fn what_differs_is_told_by_the_names_of_objects() {
        let group =
            |max: u32| json!({ "name": "ftp", "failover": { "max_failovers": max }, "preferred_owners": ["a"] });
        let before = json!({ "cluster": "c", "nodes": [{ "name": "a" }, { "name": "b" }], "groups": [group(1)] });
        let mut changed = group(2);
        changed["preferred_owners"] = json!(["b", "a"]);
        let waiver = json!({ "rule": "R33", "object": "hosts/h", "reason": "known" });
        let after = json!({
            "cluster": "c", "nodes": [{ "name": "b" }, { "name": "c" }], "groups": [changed], "waivers": [waiver],
        });
        let expected = [
            "groups/ftp/failover/max_failovers: 1 -> 2",
            "groups/ftp/preferred_owners: [a] -> [b, a]",
            "nodes/a: removed",
            "nodes/c: added",
            "waivers/R33 hosts/h: added",
        ];
        assert_eq!(texts(&before, &after), expected);
        assert_eq!(texts(&after, &after), Vec::<String>::new());
        let back = texts(&after, &before);
        assert_eq!((back.len(), back[0].as_str()), (5, "groups/ftp/failover/max_failovers: 2 -> 1"));
    }

    #[test]
    fn another_order_of_the_same_is_a_difference() {
        let list = |names: [&str; 2]| json!({ "resources": names.map(|name| json!({ "name": name })) });
        assert_eq!(texts(&list(["ip", "ftp"]), &list(["ftp", "ip"])), ["resources: the order ip, ftp -> ftp, ip"]);
    }

    #[test]
    fn a_cluster_that_is_new_is_all_added() {
        let found = differences(None, Some(&json!({ "cluster": "c", "nodes": [{ "name": "a" }] })));
        let texts: Vec<_> = found.iter().map(|difference| difference.text.as_str()).collect();
        assert_eq!(texts, ["cluster: nothing -> c", "nodes/a: added"]);
    }
}
