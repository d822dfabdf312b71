//! In which worlds is every way walked in lockstep, up to a number of steps?

use std::time::Instant;

use stateright::{Checker, Model};

use super::super::state::{EVERYONE, Faults};
use super::{AGREE, Action, Both, Bounds, Lockstep};

const NONE: Faults = Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 };

/// Two decisions after the group runs, one order under way.
const PLAIN: Bounds = Bounds { decisions: 3, requests: 1, ..Bounds::small() };

/// How far every way is walked; further ones are walked at random.
const STEPS: usize = 9;

/// More of everything, for a run that may take its time.
fn is_large() -> bool {
    std::env::var("LOCUM_MODEL").is_ok_and(|size| size == "large")
}

fn steps() -> usize {
    if is_large() { STEPS + 4 } else { STEPS }
}

fn walk_every_way(name: &str, bounds: Bounds) {
    #[allow(clippy::disallowed_methods)] // how long the checker took is of interest to people only
    let began = Instant::now();
    let checker = Lockstep::new(bounds).checker().threads(1).target_max_depth(steps()).spawn_bfs().join();
    if let Some(path) = checker.discovery(AGREE) {
        panic!("{name}: {}", told(&path.into_vec()));
    }
    let refusals = checker.model().refusals.lock().unwrap().clone();
    let (unique, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{name}: {unique} states, {steps} steps, {:?}; refused {refusals:?}", began.elapsed());
}

/// The trace, and what both sides say at its end.
pub fn told(path: &[(Both, Option<Action>)]) -> String {
    let actions: Vec<_> = path.iter().filter_map(|(_, action)| action.map(|action| format!("{action:?}"))).collect();
    let Some((end, _)) = path.last() else { return String::new() };
    let apart = end.apart.as_deref().unwrap_or("agree");
    format!("after [{}]: {apart}\n\nthe model: {:#?}\n\nthe code: {:#?}", actions.join(", "), end.model, end.code)
}

#[test]
fn two_decisions_with_one_order_under_way() {
    walk_every_way("plain", PLAIN);
}

#[test]
fn from_an_empty_database() {
    walk_every_way("blank", Bounds { blank: true, decisions: 2, ..PLAIN });
}

#[test]
fn restarts() {
    walk_every_way("restart", Bounds { faults: Faults { restarts: 1, ..NONE }, decisions: 2, ..PLAIN });
}

#[test]
fn reboots() {
    walk_every_way("reboot", Bounds { faults: Faults { reboots: 1, ..NONE }, decisions: 2, ..PLAIN });
}

#[test]
fn a_second_reign() {
    walk_every_way("reign", Bounds { faults: Faults { reigns: 1, ..NONE }, decisions: 2, ..PLAIN });
}

#[test]
fn slow_clocks() {
    walk_every_way("slow", Bounds { slow: &[0b001, EVERYONE], decisions: 2, ..PLAIN });
}

#[test]
fn in_fine_steps() {
    walk_every_way("fine", Bounds { fine: true, decisions: 2, ..PLAIN });
}

#[test]
fn a_restored_database() {
    walk_every_way("restore", Bounds { faults: Faults { restores: 1, ..NONE }, decisions: 2, ..PLAIN });
}
