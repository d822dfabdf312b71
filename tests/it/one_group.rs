//! Is a change of one group judged as it would be in the whole document?

use std::sync::LazyLock;

use locum::cli::document::Document;
use locum::domain::{TopologySpec, topology};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

static SITE: LazyLock<TopologySpec> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/medium-site.yaml");
    let document = Document::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    topology::parse(&document.value).unwrap().with_operator_state(None)
});

/// Something to write into a group, or into one of its resources.
#[derive(Debug, Clone)]
struct Edit {
    resource: Option<Index>,
    field: &'static str,
    value: Value,
}

/// Names of what is there, of what is not, and things that are no names.
fn values(site: &TopologySpec) -> Vec<Value> {
    let groups = site.groups.iter().map(|group| group.name.to_string());
    let nodes = site.nodes.iter().map(|node| node.name.to_string());
    let hosts = site.hosts.iter().map(|host| host.name.to_string());
    let commons = site.common_dependencies.iter().map(|one| one.name.to_string());
    let resources = ["ip", "name", "disk", "nobody", "not a name!"].map(str::to_owned);
    let names: Vec<Value> = groups.chain(nodes).chain(hosts).chain(commons).chain(resources).map(Value::from).collect();
    let lists = names.iter().map(|name| json!([name])).chain(names.windows(2).map(|two| json!(two)));
    let others = [
        json!(null),
        json!([]),
        json!({}),
        json!(3),
        json!(3.0),
        json!(3.5),
        json!("10s"),
        json!({ "max_failovers": 2, "period": "1ms" }),
        json!({ "max_failovers": 2.0, "period": "6h" }),
        json!({ "policy": "window", "start": 3, "end": 3 }),
        json!([{ "name": "ip", "type": "process", "command": ["/opt/run"] }]),
        json!([{ "name": "a", "type": "process", "command": ["/opt/run"], "depends_on": "b" },
            { "name": "b", "type": "process", "command": ["/opt/run"], "depends_on": "a" }]),
        json!([{ "name": "a", "type": "nothing" }]),
        json!({ "owner": "me", "reason": " ", "until": "2027-01-01T00:00:00Z" }),
    ];
    names.iter().cloned().chain(lists).chain(others).collect()
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let of_group = select(vec![
        "depends_on",
        "preferred_owners",
        "common_dependencies",
        "anti_affinity",
        "resources",
        "failover",
        "failback",
        "maintenance",
        "wanted",
        "priority",
        "name",
        "unknown",
    ]);
    let of_resource =
        select(vec!["name", "type", "depends_on", "possible_owners", "restart", "class", "critical", "command"]);
    let value = select(values(&SITE));
    let group = (of_group, value.clone()).prop_map(|(field, value)| Edit { resource: None, field, value });
    let resource =
        (any::<Index>(), of_resource, value).prop_map(|(at, field, value)| Edit { resource: Some(at), field, value });
    proptest::collection::vec(prop_oneof![group, resource], 1..3)
}

/// Writes an edit; a null takes the field away.
fn write(group: &mut Value, edit: &Edit) {
    let place = match (&edit.resource, group.get("resources").and_then(Value::as_array)) {
        (Some(at), Some(resources)) if !resources.is_empty() => {
            let at = at.index(resources.len());
            &mut group["resources"][at]
        }
        _ => group,
    };
    let Some(fields) = place.as_object_mut() else { return };
    match &edit.value {
        Value::Null => drop(fields.remove(edit.field)),
        value => drop(fields.insert(edit.field.to_owned(), value.clone())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_is_judged_by_itself_as_in_the_whole(at in any::<Index>(), edits in edits()) {
        let site = &*SITE;
        let at = at.index(site.groups.len());
        let name = site.groups[at].name.clone();
        let (mut part, mut whole) = (topology::around(site, &name).unwrap(), serde_json::to_value(site).unwrap());
        for edit in &edits {
            write(&mut part["groups"][0], edit);
            write(&mut whole["groups"][at], edit);
        }
        let renamed = whole["groups"][at]["name"] != json!(name);
        let expected = topology::parse(&whole).ok().filter(|_| !renamed);
        match topology::with_group(site, &name, &part) {
            Some(found) => prop_assert_eq!(Some(found), expected),
            // Who needs another group than before is judged in the whole.
            None => {
                let needed = expected.map(|expected| expected.groups[at].depends_on.clone()).unwrap_or_default();
                let is_new = needed.iter().any(|group| !site.groups[at].depends_on.contains(group));
                prop_assert!(needed.is_empty() && topology::parse(&whole).is_err() || renamed || is_new);
            }
        }
    }
}

#[test]
fn every_group_of_the_site_stands_in_its_surroundings() {
    for group in &SITE.groups {
        let around = topology::around(&SITE, &group.name).unwrap();
        assert_eq!(topology::with_group(&SITE, &group.name, &around).as_ref(), Some(&*SITE), "{}", group.name);
    }
}
