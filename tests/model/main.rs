//! Does the lease protocol keep its promises, whatever is lost, repeated, late, slow or restarted?
//!
//! | file | question |
//! | --- | --- |
//! | `state`, `bounds` | what is there to know at one moment, and how large is the world? |
//! | `protocol` | what may happen, and what must always hold? |
//! | `node`, `control`, `network`, `peers` | what does each part do? |
//! | `recovery` | does all become well again from here? |
//! | `reduce`, `symmetry` | which states need not be told apart? |
//! | `worlds` | what is explored to the last state? |
//! | `rules`, `mutants` | is every rule needed? |
//!
//! `LOCUM_MODEL=large` explores the worlds at their large bound (about ten minutes); `UPDATE=1` writes the tables of
//! `docs/safety.md` anew.
#![allow(clippy::unwrap_used)] // a test that can't go on says so and ends
#![allow(clippy::disallowed_methods)] // how long a search takes is told, and decides nothing
#![allow(clippy::print_stdout)] // the figures of each search

mod bounds;
mod control;
mod mutants;
mod network;
mod node;
mod peers;
mod protocol;
mod recovery;
mod reduce;
mod rules;
mod same_code;
mod search;
mod state;
mod symmetry;
mod table;
mod worlds;

use bounds::Bounds;
use rules::Rules;
use search::search;

/// Explores a world to its last state; nothing may be found there.
fn explore(name: &str) {
    let world = worlds::WORLDS.iter().find(|world| world.name == name).unwrap();
    let large = std::env::var("LOCUM_MODEL").is_ok_and(|bound| bound == "large");
    let bounds: &Bounds = if large { &world.large } else { &world.usual };
    let found = search(bounds, Rules::ALL, if large { 2 } else { 1 });
    println!("{name}: {found}");
    if let Some(violation) = found.violation {
        panic!("{name}: {}:\n{}", violation.property, violation.story());
    }
}

/// A test for each world, so that they run side by side.
macro_rules! worlds {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            explore($name);
        })*

        #[test]
        fn every_world_has_its_test() {
            let tested = [$($name),*];
            assert_eq!(tested.to_vec(), worlds::WORLDS.iter().map(|world| world.name).collect::<Vec<_>>());
        }
    };
}

worlds! {
    orders_are_lost_late_repeated_and_reordered: "orders are lost, late, repeated and reordered";
    clocks_are_slow: "clocks are slow";
    agents_and_machines_restart: "agents and machines restart";
    one_control_plane_follows_another: "one control plane follows another";
    the_database_is_restored: "the database is restored";
    all_begins_with_an_empty_database: "all begins with an empty database";
    every_step_is_taken_by_itself: "every step is taken by itself, and nothing is dropped";
    owners_hold_through_their_peers: "owners hold through their peers";
    owner_sets_are_edited: "owner sets are edited";
}

/// Each rule broken leads where it must not; the sequences stand in the table.
#[test]
fn every_rule_is_needed() {
    table::check("mutants", &table::of_mutants());
}
