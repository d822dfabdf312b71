//! Whatever happens in whatever order: do the invariants hold, and is all well again once the faults are over?

use proptest::prelude::*;

use crate::world::World;

const START: [&str; 7] = [
    "nodes bts1 bts2 bts3 bts4",
    "domain rack-a bts1 bts2",
    "dependency sql",
    "group a preferred=bts1,bts2 needs=sql",
    "group b max=5",
    "group c only=bts2,bts3",
    "settle",
];
const HAPPENINGS: &[&str] = &[
    "plan",
    "plan",
    "observe",
    "observe",
    "observe",
    "advance 1s",
    "advance 1h",
    "advance 7h",
    "node bts1 unreachable",
    "node bts2 unreachable",
    "node bts1 down",
    "node bts2 down",
    "node bts3 down",
    "node bts4 down",
    "node bts1 up",
    "node bts2 up",
    "node bts3 up",
    "new-reign",
    "fail a",
    "fail b",
    "fail c",
    "operation move a",
    "operation move a to bts2",
    "operation move b to bts3",
    "operation drain bts1",
    "operation pause bts2",
    "operation resume bts1",
    "operation offline b",
    "operation online b",
    "operation reset a",
    "operation confirm_down bts2",
    "group a preferred=bts3",
];
/// A host that comes, goes into groups and out of them, while nodes are lost, found, and slow.
const WITH_A_HOST: [&str; 14] = [
    "host host-h bts1,bts2,bts3",
    "host host-h bts1,bts2,bts3",
    "host host-h bts1,bts2,bts3 a",
    "host host-h bts1,bts2,bts3 a",
    "host host-h bts2,bts3 c",
    "host host-h bts2",
    "observe bts1",
    "observe bts2",
    "observe bts3",
    "plan",
    "plan",
    "operation confirm_down bts1",
    "operation confirm_down bts2",
    "operation move c",
];
/// What a cluster may have besides.
const RULES: &[&str] = &[
    "group a preferred=bts1,bts2 failback=immediate needs=sql priority=high",
    "group a preferred=bts2 failback=window:22-6@Europe/Berlin anti=x",
    "group a max=0 priority=low anti=x,y needs=sql",
    "group a priority=no_auto_start",
    "group b after=a preferred=bts3 failback=immediate",
    "group b anti=x priority=low",
    "group b needs=sql,sso",
    "group c only=bts2,bts3 after=a,b anti=y",
    "group c anti=x after=b priority=high",
    "group d with=log anti=y failback=immediate preferred=bts4,bts1",
    "dependency sso at d",
    "dependency sql down for 30m",
    "dependency sql up",
    "maintenance cluster for 2h",
    "maintenance cluster over",
    "maintenance node bts1 for 2h",
    "maintenance node bts2 for 1h",
    "maintenance node bts1 over",
    "maintenance group a for 2h",
    "maintenance group b for 1h",
    "maintenance group a over",
    "policy enforced",
    "policy soft",
    "policy quarantine 1 in 1h for 2h",
    "policy quarantine 2 in 8h for 2h",
    "policy brake 20 2 10m",
    "host track bts1,bts2",
    "remove host track",
    "remove group d",
    "operation online a",
    "report-lacking d",
];
const FAULTS_END: &[&str] = &[
    "node bts1 up",
    "node bts2 up",
    "node bts3 up",
    "node bts4 up",
    "operation resume bts1",
    "operation resume bts2",
    "operation online b",
    "settle",
    "advance 8h",
    "settle",
    "advance 8h", // what was held until now may have failed for good only now
    "settle",
    "operation online a",
    "settle",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_host_never_runs_in_two_ways(
        story in proptest::collection::vec(prop_oneof![
            proptest::sample::select(HAPPENINGS),
            proptest::sample::select(&WITH_A_HOST[..]),
        ], 1..80)
    ) {
        let mut world = World::default();
        for command in START.into_iter().chain(["host host-h bts1,bts2,bts3", "settle"]).chain(story) {
            world.command(command);
            world.command("advance 1ms");
        }
        // Where all can run it, and all are heard.
        for command in FAULTS_END.iter().copied().chain(["host host-h bts1,bts2,bts3 a", "settle"]) {
            world.command(command);
            world.command("advance 1ms");
        }
        prop_assert!(world.astray().is_empty(), "not online: {:?}", world.astray());
    }

    /// Nothing is mended, and nobody answers any more: only time goes on, and only to where the plan asks to look again.
    #[test]
    fn no_operation_runs_for_ever(
        story in proptest::collection::vec(proptest::sample::select([HAPPENINGS, HAPPENINGS, RULES].concat()), 1..60)
    ) {
        let mut world = World::default();
        for command in START.into_iter().chain(story) {
            world.command(command);
            world.command("advance 1ms");
        }
        // Marks, windows and brakes come round; each day has few of them.
        for _ in 0..500 {
            world.command("plan");
            let running = !world.running().is_empty();
            let Some(at) = world.look_again_at().filter(|_| running) else { break };
            world.wait_until(at);
        }
        prop_assert!(world.running().is_empty(), "these go on: {:#?}", world.running());
    }

    #[test]
    fn all_is_well_once_the_faults_are_over(
        story in proptest::collection::vec(proptest::sample::select([HAPPENINGS, HAPPENINGS, RULES].concat()), 1..60)
    ) {
        let mut world = World::default();
        for command in START.into_iter().chain(story).chain(FAULTS_END.iter().copied()) {
            world.command(command);
            world.command("advance 1ms"); // no two things happen at the same moment
        }
        prop_assert!(world.astray().is_empty(), "not online: {:?}", world.astray());
        prop_assert_eq!(world.unfinished(), 0, "failovers without an end");
    }
}
