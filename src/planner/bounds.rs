//! How long may a start, a stop and a change of owner take at most? Bounds by the timers, not forecasts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::{Dependency, GroupSpec, HumanDuration, ResourceName, ResourceSpec, RunSpec, Settings};

/// From the first resource begun to all of them online, when each comes online in time: the longest chain of pending
/// timeouts in the order in which they start.
pub(super) fn start(group: &GroupSpec) -> Duration {
    chain(group, |resource| resource.pending_timeout.get(), Which::First)
}

/// From the order to let go to all resources stopped or killed: the longest chain of stop timeouts.
pub(super) fn stop(group: &GroupSpec) -> Duration {
    chain(group, stop_timeout, Which::Last)
}

/// A group that its owner stops and another node, or the same, starts.
pub(super) fn planned(group: &GroupSpec) -> HumanDuration {
    HumanDuration::from(stop(group).saturating_add(start(group)))
}

/// A group whose owner is lost: until that is proven to have stopped it, and the start elsewhere.
pub(super) fn lost(group: &GroupSpec, settings: &Settings) -> HumanDuration {
    HumanDuration::from(settings.worst_case_takeover().saturating_add(start(group)))
}

/// How long one resource may take to stop. Types without a timeout of their own have the one that they start with.
fn stop_timeout(resource: &ResourceSpec) -> Duration {
    match &resource.run {
        RunSpec::Process(spec) => spec.stop_timeout.get(),
        RunSpec::Systemd(_) | RunSpec::Ocf(_) | RunSpec::Unspecified => resource.pending_timeout.get(),
    }
}

/// Which of several alternatives counts: it starts once the first is online, and it is stopped once the last is.
#[derive(Clone, Copy)]
enum Which {
    First,
    Last,
}

/// The longest way through the resources, each taking `time` after those that it depends on.
fn chain(group: &GroupSpec, time: impl Fn(&ResourceSpec) -> Duration, which: Which) -> Duration {
    // As often as there are resources, so that it does not matter in which order the document has them; a circle,
    // which no document may have, ends the same way.
    let mut done: BTreeMap<&ResourceName, Duration> = BTreeMap::new();
    for _ in 0..group.resources.len() {
        let before = done.clone();
        let mut previous = Duration::ZERO;
        for resource in &group.resources {
            let begun = match &resource.depends_on {
                None => previous,
                Some(dependency) => ready(dependency, &done, which),
            };
            previous = begun.saturating_add(time(resource));
            done.insert(&resource.name, previous);
        }
        if done == before {
            break;
        }
    }
    done.into_values().max().unwrap_or_default()
}

fn ready(dependency: &Dependency, done: &BTreeMap<&ResourceName, Duration>, which: Which) -> Duration {
    match (dependency, which) {
        (Dependency::Resource(name), _) => done.get(name).copied().unwrap_or_default(),
        (Dependency::Any(parts), Which::First) => {
            parts.iter().map(|part| ready(part, done, which)).min().unwrap_or_default()
        }
        (Dependency::All(parts) | Dependency::Any(parts), _) => {
            parts.iter().map(|part| ready(part, done, which)).max().unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(resources: serde_json::Value) -> GroupSpec {
        serde_json::from_value(serde_json::json!({ "name": "g", "resources": resources })).unwrap()
    }

    fn process(name: &str, seconds: u64, depends_on: Option<&str>) -> serde_json::Value {
        let mut resource = serde_json::json!({
            "name": name, "type": "process", "command": ["x"],
            "pending_timeout": format!("{seconds}s"), "stop_timeout": format!("{}s", seconds * 10),
        });
        if let Some(depends_on) = depends_on {
            resource["depends_on"] = depends_on.into();
        }
        resource
    }

    #[test]
    fn resources_in_a_row_add_up_and_beside_each_other_the_longest_counts() {
        let secs = Duration::from_secs;
        let row = group(serde_json::json!([process("a", 1, None), process("b", 2, None), process("c", 4, None)]));
        assert_eq!((start(&row), stop(&row)), (secs(7), secs(70)));
        let beside =
            group(serde_json::json!([process("a", 1, Some("")), process("b", 2, Some("")), process("c", 4, Some(""))]));
        assert_eq!((start(&beside), stop(&beside)), (secs(4), secs(40)));
        // The later one of the document comes first; of two alternatives the first that is online is enough to start.
        let either = group(serde_json::json!([
            process("host", 8, Some("(ip4 or ip6) and disk")),
            process("ip4", 1, Some("")),
            process("ip6", 4, Some("")),
            process("disk", 2, Some("")),
        ]));
        assert_eq!((start(&either), stop(&either)), (secs(10), secs(120)));
        let circle = group(serde_json::json!([process("a", 1, Some("b")), process("b", 1, Some("a"))]));
        assert!(start(&circle) > Duration::ZERO, "it ends");
    }

    #[test]
    fn other_types_may_take_as_long_to_stop_as_to_start() {
        let unit = group(serde_json::json!([{ "name": "a", "type": "systemd", "unit": "a.service" }]));
        assert_eq!(planned(&unit), HumanDuration::from_secs(360));
        assert_eq!(lost(&unit, &Settings::default()), HumanDuration::from_millis(185_650));
    }
}
