//! Is a topology that another one was judged before judged as if it were the first?

use std::sync::Arc;

use locum::advice::{Seen, judge, judge_after};
use locum::domain::{AntiAffinity, GroupWanted, NodeWanted, Priority, ResourceList, TopologySpec};

use crate::case::{cases, now};

/// What becomes of a topology by one change, of each kind and each object.
fn changed(topology: &TopologySpec) -> Vec<TopologySpec> {
    let with = |change: &dyn Fn(&mut TopologySpec)| {
        let mut topology = topology.clone();
        change(&mut topology);
        topology
    };
    let mut all = vec![
        with(&|topology| topology.groups.reverse()),
        with(&|topology| topology.hosts.clear()),
        with(&|topology| topology.handlers.clear()),
        with(&|topology| topology.waivers.clear()),
        with(&|topology| topology.common_dependencies.clear()),
        with(&|topology| topology.settings = Default::default()),
        with(&|topology| topology.policy.anti_affinity = AntiAffinity::Soft),
    ];
    for index in 0..topology.groups.len() {
        all.extend([
            with(&|topology| drop(topology.groups.remove(index))),
            with(&|topology| Arc::make_mut(&mut topology.groups[index]).priority = Priority::NoAutoStart),
            with(&|topology| Arc::make_mut(&mut topology.groups[index]).wanted = Some(GroupWanted::Offline)),
            with(&|topology| Arc::make_mut(&mut topology.groups[index]).failover.max_failovers = Some(0)),
            with(&|topology| Arc::make_mut(&mut topology.groups[index]).resources = ResourceList::default()),
            with(&|topology| Arc::make_mut(&mut topology.groups[index]).depends_on.clear()),
        ]);
    }
    for index in 0..topology.nodes.len() {
        all.extend([
            with(&|topology| drop(topology.nodes.remove(index))),
            with(&|topology| topology.nodes[index].wanted = Some(NodeWanted::Paused)),
            with(&|topology| topology.nodes[index].load_balanced ^= true),
            with(&|topology| topology.nodes[index].fault_domain = Some("another".into())),
        ]);
    }
    for index in 0..topology.hosts.len() {
        all.push(with(&|topology| topology.hosts[index].clustered_in = None));
    }
    all
}

#[test]
fn what_was_judged_before_changes_no_finding() {
    let (mut compared, mut differ) = (0, 0);
    for case in cases() {
        let (Ok(topology), seen) = (case.topology(), Arc::new(case.seen())) else { continue };
        let topology = Arc::new(topology);
        let first = judge_after(None, &topology, &seen, now());
        assert_eq!(**first.advice(), judge(&topology, &seen, now()), "{}", case.name);
        let blind = judge_after(Some(&first), &topology, &Arc::new(Seen::default()), now());
        assert_eq!(**blind.advice(), judge(&topology, &Seen::default(), now()), "{}", case.name);
        for changed in changed(&topology) {
            let changed = Arc::new(changed);
            let expected = judge(&changed, &seen, now());
            let there = judge_after(Some(&first), &changed, &seen, now());
            assert_eq!(**there.advice(), expected, "{}: {changed:?}", case.name);
            let back = judge_after(Some(&there), &topology, &seen, now());
            assert_eq!(back.advice(), first.advice(), "{}, back from {changed:?}", case.name);
            compared += 1;
            differ += u32::from(expected != **first.advice());
        }
    }
    assert!(compared > 1000 && differ > 300, "{compared} were compared, of which {differ} differ");
}
