//! What does a change do to the findings of the rules, and does that refuse it?

use std::sync::Arc;

use serde_json::Value;

use crate::advice::{self, Advice, FindingChanges, RuleFinding, Seen, SeenGroup, SeenNode, Severity};
use crate::api::AppState;
use crate::api::lines::Front;
use crate::board::View;
use crate::domain::{ClusterName, Finding, NodeState, TopologySpec};

/// A change as the rules see it.
pub struct Judged {
    pub changes: FindingChanges,
    /// The errors that it newly brings in, if there are any.
    pub refusal: Option<Errors>,
}

/// Findings that refuse a write.
pub struct Errors(Vec<RuleFinding>);

impl Errors {
    /// As findings of `document`: each points to the object that it names first.
    pub fn at(self, document: &Value) -> Vec<Finding> {
        let finding = |found: RuleFinding| {
            let pointer = found.objects.first().map(|object| pointer(object, document)).unwrap_or_default();
            Finding { pointer, code: found.rule, detail: format!("{} {}", found.message, found.fix) }
        };
        self.0.into_iter().map(finding).collect()
    }
}

/// Judges the change from `before`, nothing for a new cluster, to `after`.
pub fn change(state: &AppState, before: Option<&TopologySpec>, after: &TopologySpec) -> Judged {
    let before = before.map(|spec| judge(state, spec)).unwrap_or_default();
    between(&before, &judge(state, after))
}

/// The same of a change by whoever is at the front of the line.
pub fn change_at(front: &mut Front, state: &AppState, before: &Arc<TopologySpec>, after: &Arc<TopologySpec>) -> Judged {
    let (seen, now) = (front.seen(state.boards.view(&after.cluster), look), state.clock.now());
    let before = front.judge(before, &seen, now);
    let after = front.judge(after, &seen, now);
    between(&before, &after)
}

fn between(before: &Advice, after: &Advice) -> Judged {
    let mut changes = advice::compare(&before.findings, &after.findings);
    // What becomes worse is the same finding, and new all the same.
    let milder = |finding: &&RuleFinding| {
        before.findings.iter().any(|known| known.is_same(finding) && known.severity > finding.severity)
    };
    changes.breaks.extend(after.findings.iter().filter(milder).cloned());
    changes.breaks.sort_by(|a, b| (a.severity, a).cmp(&(b.severity, b)));
    // What was waived until now is not new: a waiver that ends breaks nothing that was whole.
    let known = |finding: &RuleFinding| before.waived.iter().any(|waived| waived.finding.is_same(finding));
    let errors = changes.breaks.iter().filter(|finding| finding.severity == Severity::Error && !known(finding));
    let errors: Vec<_> = errors.cloned().collect();
    Judged { changes, refusal: (!errors.is_empty()).then_some(Errors(errors)) }
}

/// All that the rules say of a topology now.
pub fn judge(state: &AppState, spec: &TopologySpec) -> Advice {
    advice::judge(spec, &seen(state, &spec.cluster), state.clock.now())
}

/// What is seen of the cluster, as far as rules look at it; nothing of one that was not looked at yet.
fn seen(state: &AppState, cluster: &ClusterName) -> Seen {
    state.boards.view(cluster).map(|view| look(&view)).unwrap_or_default()
}

fn look(view: &View) -> Seen {
    let known = view.snapshot.nodes.iter().filter(|(_, node)| node.seen.answered || node.seen.state == NodeState::Down);
    let nodes = known
        .map(|(name, node)| (name.clone(), SeenNode { state: node.seen.state, drivers: node.seen.drivers.clone() }));
    let groups = view
        .status
        .groups
        .iter()
        .map(|group| (group.name.clone(), SeenGroup { owner: group.owner.clone(), state: group.state }));
    Seen { nodes: nodes.collect(), groups: groups.collect() }
}

/// `hosts/FtpReceive` as `/hosts/2`; what is not in the document points to the whole.
fn pointer(object: &str, document: &Value) -> String {
    let (mut place, mut pointer) = (document, String::new());
    for part in object.split('/') {
        let step = match place {
            Value::Array(items) => {
                let named = |item: &Value| ["name", "node"].iter().any(|key| item.get(key) == Some(&Value::from(part)));
                items.iter().position(named).map(|index| index.to_string())
            }
            other => other.get(part).map(|_| part.to_owned()),
        };
        let Some(step) = step else { return pointer };
        pointer = format!("{pointer}/{step}");
        place = document.pointer(&pointer).unwrap_or(place);
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finding_points_to_the_object_that_it_names() {
        let document = json!({
            "groups": [{ "name": "a", "resources": [] }, { "name": "ftp", "resources": [{ "name": "ip" }] }],
            "hosts": [{ "name": "h", "instances": [{ "node": "n2" }] }],
        });
        let table = [
            ("groups/ftp/resources/ip", "/groups/1/resources/0"),
            ("hosts/h/instances/n2", "/hosts/0/instances/0"),
            ("hosts/other", "/hosts"),
            ("cluster", ""),
        ];
        for (object, expected) in table {
            assert_eq!(pointer(object, &document), expected, "{object}");
        }
    }
}
