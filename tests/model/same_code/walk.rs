//! Do model and code stay together on long ways through worlds that are too large to be walked whole?

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use stateright::Model;

use super::super::bounds::Timers;
use super::super::state::{EVERYONE, Faults};
use super::worlds::told;
use super::{Action, Both, Bounds, Lockstep};

const STEPS: usize = 60;
const WALKS: u64 = 80;

/// Every fault at once, several orders under way, and clocks that drift.
const WIDE: Bounds = Bounds {
    decisions: 20,
    requests: 3,
    faults: Faults { restarts: 3, reboots: 2, reigns: 2, restores: 1, edits: 2 },
    sets: &[EVERYONE, 0b011],
    slow: &[0b010, 0b101],
    idle_leases: true,
    fine: true,
    ..Bounds::small()
};

/// A lease that is longer, and a stop moment well before the kill.
const LONG: Timers = Timers { ttl: 6, stop_budget: 3, margin: 1, kill: 2, cycle: 3, hold: 0 };

fn wander(lockstep: &Lockstep, seed: u64) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut pick = |count: usize| usize::try_from(chance.next_u64() % u64::try_from(count).unwrap()).unwrap();
    let mut starts = lockstep.init_states();
    let mut both = starts.swap_remove(pick(starts.len()));
    let mut path: Vec<(Both, Option<Action>)> = Vec::new();
    while path.len() < STEPS && both.apart.is_none() {
        let mut actions = Vec::new();
        lockstep.actions(&both, &mut actions);
        let Some((action, next)) =
            std::iter::from_fn(|| (!actions.is_empty()).then(|| actions.swap_remove(pick(actions.len()))))
                .find_map(|action| Some((action, lockstep.next_state(&both, action)?)))
        else {
            break;
        };
        path.push((std::mem::replace(&mut both, next), Some(action)));
    }
    let apart = both.apart.is_some();
    path.push((both, None));
    assert!(!apart, "seed {seed}: {}", told(&path));
}

fn wander_often(bounds: &Bounds) {
    let lockstep = Lockstep::new(bounds.clone(), EVERYONE);
    (0..WALKS).for_each(|seed| wander(&lockstep, seed));
}

#[test]
fn random_ways_in_fine_steps() {
    wander_often(&WIDE);
}

#[test]
fn random_ways_with_answers_on_the_spot() {
    wander_often(&Bounds { fine: false, ..WIDE });
}

#[test]
fn random_ways_with_long_leases() {
    wander_often(&Bounds { timers: LONG, ..WIDE });
    wander_often(&Bounds { timers: LONG, fine: false, ..WIDE });
}
