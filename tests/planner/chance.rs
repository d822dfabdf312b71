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
