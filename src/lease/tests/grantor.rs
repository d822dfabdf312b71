//! What does the grantor grant, and when does it count a node as stopped?

use super::{at, id, ms, node, stamp, timers};
use crate::domain::{Decision, NodeName, NodeState, Term, Ticks};
use crate::lease::{Grant, GrantTimers, Grantor, Heard, Standing, Transition};

/// The agent that is known, and another one.
const KNOWN: u128 = 1;
const OTHER: u128 = 2;

fn began_at(millis: u64, longest: u64, agent: Option<u128>) -> Grantor {
    let mut grantor = Grantor::new(id(90), Term(1), at(millis), ms(longest), timers());
    grantor.track(&node(), agent.map(id));
    grantor
}

fn standing(grantor: &Grantor) -> Standing {
    grantor.standing(&node()).unwrap()
}

fn states(transitions: &[Transition]) -> Vec<(NodeState, NodeState)> {
    transitions.iter().map(|t| (t.from, t.to)).collect()
}

fn hear(grantor: &mut Grantor, agent: u128, stamped: u64, received: u64) -> Heard {
    grantor.heard(&node(), id(agent), stamp(10 + agent, stamped), at(received))
}

fn assign(grantor: &mut Grantor, decision: u64) {
    let lapses = standing(grantor).lapses;
    grantor.assign(&node(), Decision(decision), lapses);
}

fn grant(grantor: &mut Grantor, now: u64) -> Grant {
    grantor.grant(&node(), at(now))
}

/// Answered at 0 with stamp 7000, and granted decision 5 on it.
fn granted() -> Grantor {
    let mut grantor = began_at(0, 0, Some(KNOWN));
    hear(&mut grantor, KNOWN, 7_000, 0);
    assign(&mut grantor, 5);
    assert_eq!(grant(&mut grantor, 0).decision, Some(Decision(5)));
    grantor
}

#[test]
fn a_silent_node_of_a_cluster_that_was_never_granted_anything_is_down_after_its_first_heartbeats() {
    let mut grantor = began_at(50, 0, None);
    assert_eq!(standing(&grantor).state, NodeState::Unreachable);
    assert_eq!(grantor.next_change(), Some(at(350)));
    assert!(grantor.tick(at(349)).is_empty());
    assert_eq!(states(&grantor.tick(at(350))), [(NodeState::Unreachable, NodeState::Down)]);
    assert_eq!(grantor.next_change(), None);
    assert!(grantor.tick(at(99_000)).is_empty());
}

#[test]
fn a_new_reign_waits_for_the_longest_lease_that_may_be_outstanding() {
    let mut grantor = began_at(50, 2_000, Some(KNOWN));
    let passed = at(50 + 2_020 + 100);
    assert_eq!(standing(&grantor).stopped_at, passed);
    assert!(grantor.tick(Ticks(passed.0 - 1)).is_empty());
    assert_eq!(states(&grantor.tick(passed)), [(NodeState::Unreachable, NodeState::Down)]);
}

#[test]
fn a_node_is_unreachable_after_three_heartbeats_and_down_when_its_lease_has_passed() {
    let mut grantor = granted();
    assert_eq!(standing(&grantor), Standing { state: NodeState::Up, stopped_at: at(1_110), answered: true, lapses: 0 });
    assert!(grantor.tick(at(299)).is_empty());
    assert_eq!(grantor.next_change(), Some(at(300)));
    assert_eq!(states(&grantor.tick(at(300))), [(NodeState::Up, NodeState::Unreachable)]);
    assert_eq!(grantor.next_change(), Some(at(1_110)));
    assert!(grantor.tick(at(1_109)).is_empty());
    assert_eq!(states(&grantor.tick(at(1_110))), [(NodeState::Unreachable, NodeState::Down)]);
    assert_eq!(standing(&grantor).lapses, 1);
}

#[test]
fn a_long_silence_passes_both_states_in_one_look() {
    let both = [(NodeState::Up, NodeState::Unreachable), (NodeState::Unreachable, NodeState::Down)];
    assert_eq!(states(&granted().tick(at(5_000))), both);
}

#[test]
fn grants_name_the_newest_stamp_and_repeating_one_moves_nothing() {
    let mut grantor = granted();
    hear(&mut grantor, KNOWN, 7_100, 100);
    let first = grant(&mut grantor, 110);
    assert_eq!(first, Grant { echo: Some(stamp(11, 7_100)), decision: Some(Decision(5)), ttl: ms(1_000) });
    let proven = standing(&grantor).stopped_at;
    assert_eq!(proven, at(1_210));
    grantor.tick(at(900));
    assert_eq!(standing(&grantor).state, NodeState::Unreachable);
    assert_eq!(grant(&mut grantor, 900), first);
    assert_eq!(standing(&grantor).stopped_at, proven);
}

#[test]
fn a_lease_that_would_have_passed_already_is_not_granted() {
    let mut grantor = granted();
    assert_eq!(grant(&mut grantor, 1_110).decision, None);
}

#[test]
fn an_answer_that_was_overtaken_replaces_nothing() {
    let mut grantor = granted();
    hear(&mut grantor, KNOWN, 7_200, 200);
    assert_eq!(hear(&mut grantor, KNOWN, 7_100, 450), Heard::Expected);
    assert_eq!(grant(&mut grantor, 450).echo, Some(stamp(11, 7_200)));
    assert_eq!(standing(&grantor).stopped_at, at(1_310));
    // Nor does it prove that the node still answers.
    assert_eq!(states(&grantor.tick(at(500))), [(NodeState::Up, NodeState::Unreachable)]);
}

#[test]
fn another_incarnation_is_echoed_whatever_its_clock_says() {
    let mut grantor = granted();
    grantor.heard(&node(), id(KNOWN), stamp(77, 3), at(20));
    assert_eq!(grant(&mut grantor, 20).echo, Some(stamp(77, 3)));
}

#[test]
fn longer_leases_move_the_proof_and_shorter_ones_do_not_bring_it_back() {
    let mut grantor = granted();
    grantor.set_timers(GrantTimers { ttl: ms(3_000), ..timers() });
    assert_eq!(standing(&grantor).stopped_at, at(1_110));
    grant(&mut grantor, 10);
    assert_eq!(standing(&grantor).stopped_at, at(3_130));
    grantor.set_timers(GrantTimers { ttl: ms(500), ..timers() });
    hear(&mut grantor, KNOWN, 7_100, 100);
    assert_eq!(grant(&mut grantor, 100).ttl, ms(500));
    assert_eq!(standing(&grantor).stopped_at, at(3_130));
}

#[test]
fn nothing_is_granted_without_an_agent_a_stamp_or_a_decision() {
    let mut unstamped = began_at(0, 0, Some(KNOWN));
    assign(&mut unstamped, 5);
    assert_eq!(grant(&mut unstamped, 0), Grant { echo: None, decision: None, ttl: ms(0) });

    let mut unassigned = began_at(0, 0, Some(KNOWN));
    hear(&mut unassigned, KNOWN, 7_000, 0);
    assert_eq!(grant(&mut unassigned, 0), Grant { echo: Some(stamp(11, 7_000)), decision: None, ttl: ms(0) });

    let mut unknown = began_at(0, 0, None);
    assert_eq!(hear(&mut unknown, OTHER, 4_000, 0), Heard::Unknown);
    assert_eq!((standing(&unknown).state, standing(&unknown).answered), (NodeState::Up, true));
    assign(&mut unknown, 5);
    assert_eq!(grant(&mut unknown, 0).decision, None);
    unknown.know_agent(&node(), id(OTHER));
    assert_eq!(grant(&mut unknown, 0).echo, Some(stamp(12, 4_000)));
    assert_eq!(standing(&unknown).stopped_at, at(1_110));
}

#[test]
fn nothing_is_granted_to_an_agent_on_a_stamp_of_another() {
    let mut grantor = began_at(0, 0, None);
    hear(&mut grantor, OTHER, 4_000, 0);
    grantor.know_agent(&node(), id(KNOWN));
    assign(&mut grantor, 5);
    assert_eq!(grant(&mut grantor, 0), Grant { echo: None, decision: None, ttl: ms(0) });
}

#[test]
fn after_a_lapse_nothing_is_granted_until_it_answers_and_is_assigned_anew() {
    let mut grantor = granted();
    grantor.tick(at(2_000));
    let lapses = standing(&grantor).lapses;
    assert_eq!(grant(&mut grantor, 2_000).decision, None);
    // Decided while it was down: it may be about to lose what it had.
    grantor.assign(&node(), Decision(6), lapses);
    assert_eq!(hear(&mut grantor, KNOWN, 9_100, 2_100), Heard::Expected);
    assert_eq!(standing(&grantor).state, NodeState::Up);
    assert_eq!(grant(&mut grantor, 2_100).decision, None);
    // Decided on a view from before the lapse.
    grantor.assign(&node(), Decision(5), lapses - 1);
    assert_eq!(grant(&mut grantor, 2_100).decision, None);
    grantor.assign(&node(), Decision(7), lapses);
    assert_eq!(grant(&mut grantor, 2_100).decision, Some(Decision(7)));
}

#[test]
fn a_node_that_answers_in_time_keeps_its_decision() {
    let mut grantor = granted();
    grantor.tick(at(800));
    hear(&mut grantor, KNOWN, 7_900, 900);
    assert_eq!(standing(&grantor).state, NodeState::Up);
    assert_eq!(grant(&mut grantor, 900).decision, Some(Decision(5)));
}

#[test]
fn a_stranger_waits_until_the_known_agents_lease_has_passed() {
    let mut grantor = granted();
    let before = standing(&grantor);
    assert_eq!(hear(&mut grantor, OTHER, 1, 1_109), Heard::Stranger { until: at(1_110) });
    assert_eq!(standing(&grantor), before);
    assert_eq!(hear(&mut grantor, OTHER, 2, 1_110), Heard::Unknown);
    assert_eq!(standing(&grantor).lapses, 1);
    grantor.know_agent(&node(), id(OTHER));
    assert_eq!(grant(&mut grantor, 1_110), Grant { echo: Some(stamp(12, 2)), decision: None, ttl: ms(0) });
    assign(&mut grantor, 8);
    assert_eq!(grant(&mut grantor, 1_110).decision, Some(Decision(8)));
    // Now the old one is the stranger.
    assert_eq!(hear(&mut grantor, KNOWN, 9_000, 1_200), Heard::Stranger { until: at(2_220) });
}

#[test]
fn a_stranger_does_not_replace_an_agent_that_still_answers() {
    let mut grantor = began_at(0, 0, Some(KNOWN));
    hear(&mut grantor, KNOWN, 7_000, 500);
    assert_eq!(hear(&mut grantor, OTHER, 1, 600), Heard::Stranger { until: at(800) });
    assert_eq!(hear(&mut grantor, OTHER, 1, 800), Heard::Unknown);
}

#[test]
fn an_agent_is_a_stranger_while_it_is_unknown_who_holds_a_lease_of_an_earlier_reign() {
    let mut grantor = began_at(0, 1_000, None);
    assert_eq!(hear(&mut grantor, OTHER, 1, 1_109), Heard::Stranger { until: at(1_110) });
    assert!(!standing(&grantor).answered);
    assert_eq!(hear(&mut grantor, OTHER, 2, 1_110), Heard::Unknown);
}

#[test]
fn another_agent_is_not_taken_for_the_known_one() {
    let mut grantor = granted();
    grantor.know_agent(&node(), id(OTHER));
    assert!(matches!(hear(&mut grantor, OTHER, 1, 10), Heard::Stranger { .. }));
    assert_eq!(grant(&mut grantor, 10).echo, Some(stamp(11, 7_000)));
}

#[test]
fn an_operator_may_say_that_a_silent_node_is_down_but_not_one_that_answers() {
    let mut grantor = granted();
    assert!(!grantor.confirm_down(&node()));
    assert_eq!(standing(&grantor).state, NodeState::Up);
    grantor.tick(at(300));
    assert!(grantor.confirm_down(&node()));
    assert_eq!((standing(&grantor).state, standing(&grantor).lapses), (NodeState::Down, 1));
    assert!(grantor.confirm_down(&node()));
    assert_eq!(standing(&grantor).lapses, 1);
    assert_eq!(grant(&mut grantor, 310).decision, None);
    // The machine was replaced, as the operator knew.
    assert_eq!(hear(&mut grantor, OTHER, 1, 320), Heard::Unknown);
}

#[test]
fn what_was_granted_counts_on_when_a_node_leaves_and_comes_back() {
    let mut grantor = granted();
    let lapses = standing(&grantor).lapses;
    grantor.forget(&node());
    assert_eq!(grantor.nodes().next(), None);
    assert_eq!(grantor.standing(&node()), None);
    assert_eq!(grant(&mut grantor, 10).decision, None);
    grantor.track(&node(), None);
    assert_eq!(standing(&grantor).stopped_at, at(1_110));
    assert!(!standing(&grantor).answered);
    assert!(matches!(hear(&mut grantor, OTHER, 1, 20), Heard::Stranger { .. }));
    assert_eq!(hear(&mut grantor, KNOWN, 7_030, 30), Heard::Expected);
    grantor.assign(&node(), Decision(5), lapses);
    assert_eq!(grant(&mut grantor, 30).decision, None);
}

#[test]
fn tracking_twice_changes_nothing_and_an_untracked_node_is_granted_nothing() {
    let mut grantor = granted();
    let before = standing(&grantor);
    grantor.track(&node(), Some(id(OTHER)));
    assert_eq!(standing(&grantor), before);
    assert_eq!(hear(&mut grantor, KNOWN, 7_001, 1), Heard::Expected);

    let absent: NodeName = "bts9".parse().unwrap();
    assert_eq!(grantor.heard(&absent, id(KNOWN), stamp(1, 1), at(1)), Heard::Unknown);
    assert_eq!(grantor.grant(&absent, at(1)).echo, None);
    assert!(!grantor.confirm_down(&absent));
    assert_eq!(grantor.nodes().collect::<Vec<_>>(), [&node()]);
}

#[test]
fn the_reign_is_what_it_was_begun_with() {
    let grantor = began_at(0, 0, None);
    assert_eq!((grantor.reign(), grantor.term()), (id(90), Term(1)));
}
