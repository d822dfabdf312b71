//! Which worlds are walked whole, in lockstep?

use std::collections::BTreeSet;

use stateright::{Checker, Model};

use super::super::state::{Faults, Set};
use super::{AGREE, Action, Both, Bounds, Lockstep};

const NONE: Faults = Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 };

/// One order under way. The group runs from the first decision on.
const PLAIN: Bounds = Bounds { requests: 1, ..Bounds::small() };

/// The owner alone with the control plane, which gives the group up and places it there again; and the owner with a
/// node that can take over, which needs more ways to come to the same.
const OWNER: Set = 0b001;
const PAIR: Set = 0b011;

/// Whether a run may take its time, and make decisions among more nodes.
fn is_large() -> bool {
    std::env::var("LOCUM_MODEL").is_ok_and(|size| size == "large")
}

/// Walks through every step of a world and gives the kinds of refusals that were met. It has that many decisions, and one
/// more where a run may take its time.
#[allow(clippy::disallowed_methods, clippy::print_stdout)] // how long it took is of interest to people only
fn walk_whole(alive: Set, decisions: u8, bounds: Bounds) -> BTreeSet<String> {
    let began = std::time::Instant::now();
    let bounds = Bounds { decisions: decisions + u8::from(is_large()), ..bounds };
    let checker = Lockstep::new(bounds, alive).checker().threads(1).spawn_bfs().join();
    if let Some(path) = checker.discovery(AGREE) {
        panic!("{}", told(&path.into_vec()));
    }
    let (states, steps, refusals) = (checker.unique_state_count(), checker.state_count(), checker.model().refusals());
    println!("{states} states, {steps} steps, {:?}; refused {refusals:?}", began.elapsed());
    refusals
}

/// The trace, and what both sides say at its end.
pub fn told(path: &[(Both, Option<Action>)]) -> String {
    let actions: Vec<_> = path.iter().filter_map(|(_, action)| action.map(|action| format!("{action:?}"))).collect();
    let Some((end, _)) = path.last() else { return String::new() };
    let apart = end.apart.as_deref().unwrap_or("agree");
    format!("after [{}]: {apart}\n\nthe model: {:#?}\n\nthe code: {:#?}", actions.join(", "), end.model, end.code)
}

#[test]
fn decisions_with_one_order_under_way() {
    walk_whole(OWNER, 3, Bounds { idle_leases: true, ..PLAIN });
    walk_whole(PAIR, 2, PLAIN);
}

#[test]
fn from_an_empty_database() {
    walk_whole(OWNER, 3, Bounds { blank: true, ..PLAIN });
}

#[test]
fn restarts() {
    let bounds = Bounds { faults: Faults { restarts: 1, ..NONE }, ..PLAIN };
    walk_whole(OWNER, 3, Bounds { faults: Faults { restarts: 2, ..NONE }, ..PLAIN });
    walk_whole(PAIR, 1, bounds);
}

#[test]
fn reboots() {
    let bounds = Bounds { faults: Faults { reboots: 1, ..NONE }, ..PLAIN };
    walk_whole(OWNER, 3, bounds.clone());
    walk_whole(PAIR, 1, bounds);
}

#[test]
fn a_second_reign() {
    let refusals = walk_whole(OWNER, 3, Bounds { faults: Faults { reigns: 1, ..NONE }, ..PLAIN });
    let kinds = ["ContentDiffers", "OtherReign", "StaleDecision", "StaleEpoch", "StaleStamp", "StaleTerm"];
    assert_eq!(refusals, kinds.map(str::to_owned).into(), "these can be met");
}

#[test]
fn slow_clocks() {
    walk_whole(OWNER, 3, Bounds { slow: &[OWNER], ..PLAIN });
    walk_whole(PAIR, 1, Bounds { slow: &[OWNER, PAIR], ..PLAIN });
}

#[test]
fn in_fine_steps() {
    walk_whole(OWNER, 3, Bounds { fine: true, ..PLAIN });
    walk_whole(PAIR, 1, Bounds { fine: true, ..PLAIN });
}

#[test]
fn a_restored_database() {
    walk_whole(OWNER, 3, Bounds { faults: Faults { restores: 1, ..NONE }, ..PLAIN });
}
