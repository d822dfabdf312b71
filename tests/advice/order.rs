//! Does any finding depend on the order of the document?

use locum::advice::judge;
use locum::domain::topology;
use serde_json::Value;

use crate::case::{cases, now};

/// Lists whose order means something: resources start in it, owners are preferred in it.
const ORDERED: [&str; 4] = ["resources", "preferred_owners", "command", "exec"];

/// Mixes every list of which the order means nothing.
fn mixed(value: &Value, key: &str, seed: &mut u64) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| mixed(item, key, seed)).collect();
            if !ORDERED.contains(&key) {
                for i in (1..items.len()).rev() {
                    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    items.swap(i, (*seed >> 33) as usize % (i + 1));
                }
            }
            Value::Array(items)
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), mixed(value, key, seed))).collect(),
        other => other.clone(),
    }
}

#[test]
fn no_finding_depends_on_the_order_of_the_document() {
    let mut compared = 0;
    for case in cases() {
        let Ok(expected) = case.topology() else { continue };
        let expected = judge(&expected, &case.seen(), now());
        for seed in 1..=4 {
            let document = mixed(&case.value(), "", &mut { seed });
            compared += u32::from(document != case.value());
            let topology = topology::parse(&document).unwrap();
            assert_eq!(judge(&topology, &case.seen(), now()), expected, "{}, seed {seed}", case.name);
        }
    }
    assert!(compared > 300, "only {compared} documents were really mixed");
}
