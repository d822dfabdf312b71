//! Has each node a name and an agent of its own?

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::Seen;
use super::{limits, list, not_blank, text};
use crate::domain::Finding;

pub(super) fn check(document: &Value, findings: &mut Vec<Finding>) {
    let mut names = Seen::new("node", "this document");
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    for (i, node) in list(document, "nodes").iter().enumerate() {
        let at = format!("/nodes/{i}");
        names.name(node, &at, findings);
        not_blank(node, "fault_domain", &at, findings);
        if let Some(software) = node.get("software") {
            not_blank(software, "group", &format!("{at}/software"), findings);
        }
        let Some(agent) = text(node, "agent") else { continue };
        let pointer = format!("{at}/agent");
        match limits::agent_address(agent) {
            Err(detail) => findings.push(Finding::new(pointer, "bad_address", detail)),
            Ok(address) => match addresses.get(&address) {
                Some(first) => {
                    let detail =
                        format!("{address} is already the agent at {first}; each node has an agent of its own");
                    findings.push(Finding::new(pointer, "duplicate_address", detail));
                }
                None => drop(addresses.insert(address, pointer)),
            },
        }
    }
}
