//! Whatever the network, the clocks and the processes do, is a node that counts as stopped really stopped?

use proptest::prelude::*;

use super::ms;
use super::world::{Setting, Step, World};

/// Any rates within the drift, the extremes often: that is where a bound that is too low shows.
fn rate(drift_ppm: u32) -> impl Strategy<Value = u64> {
    let fastest = 1_000_000 + u64::from(drift_ppm);
    let slowest = 1_000_000_000_000_u64.div_ceil(fastest);
    prop_oneof![3 => Just(slowest), 1 => Just(1_000_000), 1 => Just(fastest), 1 => slowest..=fastest]
}

fn setting() -> impl Strategy<Value = Setting> {
    let drift = prop_oneof![Just(0_u32), Just(10_000), 0..=100_000_u32];
    (drift, 0..=200_u64).prop_flat_map(|(drift_ppm, margin)| {
        let rates = [rate(drift_ppm), rate(drift_ppm)];
        (rates, [clock(), clock()]).prop_map(move |(rates, clocks)| Setting {
            drift_ppm,
            margin: ms(margin),
            rates,
            clocks,
        })
    })
}

fn clock() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..10_000_000_000_u64]
}

fn pick() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0), 1 => 0..8_usize]
}

fn step() -> impl Strategy<Value = Step> {
    let ordinary = prop_oneof![
        3 => (0..150_000_u64).prop_map(|micros| Step::Pass { micros }),
        1 => (0..2_500_000_u64).prop_map(|micros| Step::Pass { micros }),
        3 => Just(Step::PassToChange),
        1 => Just(Step::Tick),
        3 => any::<bool>().prop_map(|push| Step::Send { push }),
        4 => (pick(), any::<bool>()).prop_map(|(pick, keep)| Step::Request { pick, keep }),
        4 => (pick(), any::<bool>()).prop_map(|(pick, keep)| Step::Answer { pick, keep }),
        6 => any::<bool>().prop_map(|push| Step::Exchange { push }),
        3 => prop::bool::weighted(0.8).prop_map(|fresh| Step::Assign { fresh }),
    ];
    let rare = prop_oneof![
        2 => (0..2_usize).prop_map(|machine| Step::Restart { machine }),
        1 => (0..2_usize, clock()).prop_map(|(machine, clock)| Step::Reboot { machine, clock }),
        2 => clock().prop_map(|clock| Step::Reign { clock }),
        1 => (200..3_000_u64).prop_map(|millis| Step::Ttl { millis }),
        2 => Just(Step::Move),
        1 => any::<bool>().prop_map(|agent| Step::LeaveAndReturn { agent }),
        1 => Just(Step::Confirm),
    ];
    prop_oneof![8 => ordinary, 1 => rare]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_counts_as_stopped_is_stopped_and_one_machine_at_most_holds_a_lease(
        setting in setting(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut world = World::new(setting);
        for step in &steps {
            world.take(step);
        }
    }

    #[test]
    fn with_faults_over_the_node_that_answers_holds_a_lease(
        setting in setting(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(setting);
        for step in &steps {
            world.take(step);
        }
        world.calm_down();
    }
}
