//! Whatever happens in whatever order: do the invariants hold, and is all well again once the faults are over?

use proptest::prelude::*;

use crate::world::World;

const START: [&str; 5] =
    ["nodes bts1 bts2 bts3", "group a preferred=bts1,bts2", "group b max=5", "group c only=bts2,bts3", "settle"];
const HAPPENINGS: [&str; 31] = [
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
    "host host-h on=bts1,bts2,bts3",
    "host host-h on=bts1,bts2,bts3",
    "host host-h on=bts1,bts2,bts3 clustered=a",
    "host host-h on=bts1,bts2,bts3 clustered=a",
    "host host-h on=bts2,bts3 clustered=c",
    "host host-h on=bts2",
    "observe bts1",
    "observe bts2",
    "observe bts3",
    "plan",
    "plan",
    "operation confirm_down bts1",
    "operation confirm_down bts2",
    "operation move c",
];
const FAULTS_END: [&str; 9] = [
    "node bts1 up",
    "node bts2 up",
    "node bts3 up",
    "operation resume bts1",
    "operation resume bts2",
    "operation online b",
    "settle",
    "advance 8h",
    "settle",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_host_never_runs_in_two_ways(
        story in proptest::collection::vec(prop_oneof![
            proptest::sample::select(&HAPPENINGS[..]),
            proptest::sample::select(&WITH_A_HOST[..]),
        ], 1..80)
    ) {
        let mut world = World::default();
        for command in START.into_iter().chain(["host host-h on=bts1,bts2,bts3", "settle"]).chain(story) {
            world.command(command);
            world.command("advance 1ms");
        }
        // Where all can run it, and all are heard.
        for command in FAULTS_END.into_iter().chain(["host host-h on=bts1,bts2,bts3 clustered=a", "settle"]) {
            world.command(command);
            world.command("advance 1ms");
        }
        prop_assert!(world.astray().is_empty(), "not online: {:?}", world.astray());
    }

    #[test]
    fn all_is_well_once_the_faults_are_over(
        story in proptest::collection::vec(proptest::sample::select(&HAPPENINGS[..]), 1..60)
    ) {
        let mut world = World::default();
        for command in START.into_iter().chain(story).chain(FAULTS_END) {
            world.command(command);
            world.command("advance 1ms"); // no two things happen at the same moment
        }
        prop_assert!(world.astray().is_empty(), "not online: {:?}", world.astray());
        prop_assert_eq!(world.unfinished(), 0, "failovers without an end");
    }
}
