//! What of a cluster may still run, so that it can't be removed?

use super::{Assignment, ClusterName, GroupName, HostName, NodeName, Ran};

/// Why a cluster can't be removed, if a group in it has an owner or a node may run an instance. `assigned`: what nodes were told to
/// run, except those of which somebody vouches that they run nothing.
pub fn still_runs<'a>(
    cluster: &ClusterName,
    owned: impl Iterator<Item = (&'a GroupName, &'a NodeName)>,
    assigned: impl Iterator<Item = (&'a NodeName, &'a Assignment)>,
) -> Option<String> {
    let owned: Vec<String> = owned.map(|(group, owner)| format!("{group} on {owner}")).collect();
    if !owned.is_empty() {
        let owned = owned.join(", ");
        return Some(format!("cluster {cluster} still has groups with an owner ({owned}); take them offline first"));
    }
    let told = assigned.flat_map(|(node, told)| instances(told).map(move |host| format!("{host} on {node}")));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| {
        format!(
            "nodes of cluster {cluster} may still run instances of hosts ({}), which no lease ends; remove these instances first",
            told.join(", ")
        )
    })
}

/// The hosts of which a node with this assignment may run an instance.
fn instances(assignment: &Assignment) -> impl Iterator<Item = &HostName> {
    let leaving = assignment.leaving.iter().filter(|leaving| leaving.ran == Ran::Instance);
    assignment.instances.iter().map(|instance| &instance.host).chain(leaving.map(|leaving| &leaving.host))
}
