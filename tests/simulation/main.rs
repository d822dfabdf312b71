//! Does a whole cluster keep its promises, whatever goes wrong? Seeded worlds of the shipped planner, reconciler, leases
//! and agents, in one thread and in simulated time.
//!
//! | file | question |
//! | --- | --- |
//! | `world` | how does a world begin, go wrong, get well again, and end? |
//! | `topology` | which documents does a seed draw, and how are they edited? |
//! | `machine`, `clock` | what is a node? the shipped agent over a simulated machine |
//! | `network`, `database`, `connection` | what do messages and requests suffer? |
//! | `control`, `gate` | how does a control plane begin and crash? |
//! | `operators`, `faults`, `mending` | what do people do, what goes wrong, and how does it end? |
//! | `eyes`, `history`, `story` | what happened, in true time? |
//! | `checker` | was every promise kept? |
//! | `runner`, `sweep` | how is a seed played, and many? |
//! | `coverage` | what must happen at least once? |
//! | `stories` | what does a single fault do? |
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends
#![allow(clippy::disallowed_methods)] // the home of simulated time

mod chance;
mod checker;
mod clock;
mod connection;
mod control;
mod coverage;
mod database;
mod eyes;
mod faults;
mod gate;
mod history;
mod machine;
mod mending;
mod network;
mod operators;
mod runner;
#[path = "../planner/same.rs"]
mod same;
mod stories;
mod story;
mod sweep;
mod topology;
mod world;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// `LOCUM_SEEDS` plays more, `LOCUM_SEED` only one, with its whole story; `LOCUM_STORY` names a file for that.
#[test]
fn a_thousand_seeds() {
    let one = number("LOCUM_SEED");
    let seeds = one.map_or_else(|| 0..number("LOCUM_SEEDS").unwrap_or(1_000), |seed| seed..seed + 1);
    let sweep = sweep::sweep(seeds, |played| {
        if one.is_some() {
            runner::keep_story(&played.told.lines);
            println!("{}", played.story());
        }
    });
    println!("{}", sweep.table());
    for report in &sweep.reports {
        println!("{report}");
    }
    let missing = coverage::missing(&sweep.tally);
    assert!(sweep.seeds < 1_000 || missing.is_empty(), "in {} seeds these never happened: {missing:?}", sweep.seeds);
    assert!(sweep.bad.is_empty(), "{} seeds are bad: {:?}", sweep.bad.len(), sweep.bad);
}

/// On one thread after the other, and on another thread: nothing but the seed decides.
#[test]
fn the_same_seed_twice_gives_the_same_bytes() {
    let seeds = [0, 1, 2, 3, 8, 11, 17];
    let play = move || seeds.map(|seed| runner::play_seed(seed, std::sync::Arc::default()).digest());
    let (once, again, elsewhere) = (play(), play(), std::thread::spawn(play).join().unwrap());
    assert_eq!(once, again, "the same seeds again, {seeds:?}");
    assert_eq!(once, elsewhere, "the same seeds on another thread, {seeds:?}");
}
