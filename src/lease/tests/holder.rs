//! Which orders does the holder refuse, and what does a grant do to its lease?

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{at, id, ms, node, stamp};
use crate::domain::{Decision, Epoch, GroupName, HumanDuration, LeaseTimers, Term, Ticks};
use crate::lease::{Applied, Bond, Extension, Grant, Holder, Offer, Order, Refused, Stamp, Verdict};

const ME: u128 = 11;

fn order(term: u64) -> Order {
    Order {
        cluster_id: id(80),
        cluster: "edi".parse().unwrap(),
        node: node(),
        reign: id(90 + u128::from(term)),
        term: Term(term),
    }
}

fn bond(term: u64) -> Bond {
    let Order { cluster_id, cluster, reign, term, .. } = order(term);
    Bond { cluster_id, cluster, term, reign }
}

fn applied(term: u64, decision: u64) -> Applied {
    Applied { term: Term(term), decision: Decision(decision) }
}

fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

fn epochs(of: &[(&str, u64)]) -> BTreeMap<GroupName, Epoch> {
    of.iter().map(|(name, epoch)| (group(name), Epoch(*epoch))).collect()
}

/// Bound to term 2, has applied decision 5 under it, and stamped up to 1000 ms.
fn holder() -> Holder {
    let mut holder = Holder::new(node(), id(ME), Some(bond(2)), Some(applied(2, 5)), epochs(&[("ftp", 3)]));
    assert_eq!(holder.stamp(at(1_000)), stamp(ME, 1_000));
    holder
}

fn offer(term: u64, decision: u64) -> Offer {
    Offer {
        term: Term(term),
        decision: Decision(decision),
        echo: Some(stamp(ME, 900)),
        same_content: false,
        epochs: epochs(&[("ftp", 3)]),
    }
}

fn grant(echo: Stamp, decision: u64) -> Grant {
    Grant { echo: Some(echo), decision: Some(Decision(decision)), ttl: ms(5_000) }
}

#[test]
fn the_first_order_and_a_higher_term_make_a_bond_and_the_same_reign_is_obeyed() {
    let fresh = Holder::new(node(), id(ME), None, None, BTreeMap::new());
    assert_eq!(fresh.admit(&order(1)), Ok(Some(bond(1))));
    assert_eq!(fresh.bond(), None);
    assert_eq!(holder().admit(&order(2)), Ok(None));
    assert_eq!(holder().admit(&order(3)), Ok(Some(bond(3))));
}

#[test]
fn orders_for_others_and_of_others_are_refused() {
    let elsewhere = Order { node: "bts2".parse().unwrap(), ..order(2) };
    assert_eq!(holder().admit(&elsewhere), Err(Refused::OtherNode));
    let foreign = Order { cluster_id: Uuid::nil(), ..order(9) };
    assert_eq!(holder().admit(&foreign), Err(Refused::OtherCluster));
    assert_eq!(holder().admit(&order(1)), Err(Refused::StaleTerm { highest: Term(2) }));
    let rival = Order { reign: id(7), ..order(2) };
    assert_eq!(holder().admit(&rival), Err(Refused::OtherReign));
}

#[test]
fn a_bond_gives_way_only_to_a_higher_term() {
    let mut holder = holder();
    holder.bind(bond(1));
    assert_eq!(holder.bond(), Some(&bond(2)));
    holder.bind(bond(3));
    assert_eq!(holder.bond(), Some(&bond(3)));
}

#[test]
fn a_newer_assignment_is_applied_and_epochs_of_groups_that_left_are_kept() {
    let newer = Offer { epochs: epochs(&[("pop3", 1)]), ..offer(2, 6) };
    let expected = Verdict::Apply { applied: applied(2, 6), epochs: epochs(&[("ftp", 3), ("pop3", 1)]) };
    assert_eq!(holder().weigh(&newer), Ok(expected));
}

#[test]
fn the_same_assignment_is_a_no_op_and_under_a_new_term_it_is_noted() {
    let same = |term| Offer { same_content: true, ..offer(term, 5) };
    assert_eq!(holder().weigh(&same(2)), Ok(Verdict::Same));
    let expected = Verdict::Apply { applied: applied(3, 5), epochs: epochs(&[("ftp", 3)]) };
    assert_eq!(holder().weigh(&same(3)), Ok(expected));
}

#[test]
fn the_same_decision_with_other_content_is_refused_under_any_term() {
    assert_eq!(holder().weigh(&offer(2, 5)), Err(Refused::ContentDiffers));
    assert_eq!(holder().weigh(&offer(3, 5)), Err(Refused::ContentDiffers));
}

#[test]
fn an_older_decision_is_refused_under_any_term() {
    let stale = Err(Refused::StaleDecision { highest: Decision(5) });
    assert_eq!(holder().weigh(&offer(2, 4)), stale);
    assert_eq!(holder().weigh(&offer(3, 4)), stale);
}

#[test]
fn an_assignment_of_a_reign_that_was_followed_by_another_is_refused() {
    assert_eq!(holder().weigh(&offer(1, 9)), Err(Refused::StaleTerm { highest: Term(2) }));
}

#[test]
fn a_lower_epoch_is_refused() {
    let lower = Offer { epochs: epochs(&[("ftp", 2)]), ..offer(2, 6) };
    assert_eq!(holder().weigh(&lower), Err(Refused::StaleEpoch { group: group("ftp"), highest: Epoch(3) }));
}

#[test]
fn an_assignment_must_echo_a_stamp_of_this_process() {
    for echo in [None, Some(stamp(12, 900)), Some(stamp(ME, 1_001))] {
        let unproven = Offer { echo, ..offer(2, 6) };
        assert_eq!(holder().weigh(&unproven), Err(Refused::StaleStamp), "{echo:?}");
    }
    let latest = Offer { echo: Some(stamp(ME, 1_000)), ..offer(2, 6) };
    assert!(holder().weigh(&latest).is_ok());
}

#[test]
fn nothing_that_was_applied_goes_down() {
    let mut holder = holder();
    holder.applied(applied(2, 4), epochs(&[("ftp", 2), ("pop3", 1)]));
    assert_eq!(holder.applied_decision(), Some(applied(2, 5)));
    assert_eq!(holder.epochs(), &epochs(&[("ftp", 3), ("pop3", 1)]));
    holder.applied(applied(3, 5), epochs(&[("ftp", 4)]));
    assert_eq!(holder.applied_decision(), Some(applied(3, 5)));
    assert_eq!(holder.epochs(), &epochs(&[("ftp", 4), ("pop3", 1)]));
}

#[test]
fn a_grant_counts_from_the_stamp_and_never_shortens() {
    let mut holder = holder();
    assert_eq!(holder.extend(Term(2), &grant(stamp(ME, 900), 5)), Extension::Until(at(5_900)));
    assert_eq!(holder.extend(Term(2), &grant(stamp(ME, 900), 5)), Extension::Unchanged);
    assert_eq!(holder.extend(Term(2), &grant(stamp(ME, 800), 5)), Extension::Unchanged);
    assert_eq!(holder.deadline(), at(5_900));
    assert_eq!(holder.extend(Term(2), &grant(stamp(ME, 1_000), 5)), Extension::Until(at(6_000)));
}

#[test]
fn a_grant_that_is_not_for_what_this_process_runs_extends_nothing() {
    let good = grant(stamp(ME, 900), 5);
    let cases = [
        ("an older term", Term(1), good),
        ("a term that is not bound", Term(3), good),
        ("an older decision", Term(2), grant(stamp(ME, 900), 4)),
        ("a decision not applied yet", Term(2), grant(stamp(ME, 900), 6)),
        ("another incarnation's stamp", Term(2), grant(stamp(12, 900), 5)),
        ("a stamp from the future", Term(2), grant(stamp(ME, 1_001), 5)),
        ("no stamp", Term(2), Grant { echo: None, ..good }),
        ("no decision", Term(2), Grant { decision: None, ..good }),
        ("no time", Term(2), Grant { ttl: ms(0), ..good }),
    ];
    for (what, term, grant) in cases {
        let mut holder = holder();
        assert_eq!(holder.extend(term, &grant), Extension::Unchanged, "{what}");
        assert_eq!(holder.deadline(), Ticks(0), "{what}");
    }
}

#[test]
fn a_new_reign_extends_only_what_was_applied_under_it() {
    let mut holder = holder();
    holder.bind(bond(3));
    assert_eq!(holder.extend(Term(3), &grant(stamp(ME, 900), 5)), Extension::Unchanged);
    assert_eq!(holder.extend(Term(2), &grant(stamp(ME, 900), 5)), Extension::Unchanged);
    holder.applied(applied(3, 5), BTreeMap::new());
    assert_eq!(holder.extend(Term(3), &grant(stamp(ME, 900), 5)), Extension::Until(at(5_900)));
}

#[test]
fn the_guards_deadline_is_inherited_and_never_lowered() {
    let mut holder = holder();
    holder.inherit_deadline(at(2_000));
    holder.inherit_deadline(at(1_500));
    assert_eq!(holder.deadline(), at(2_000));
}

#[test]
fn groups_run_until_the_stop_budget_before_the_deadline() {
    let timers = LeaseTimers { stop_budget: HumanDuration::from_secs(2), margin: HumanDuration::from_millis(100) };
    let mut holder = holder();
    assert!(!holder.may_run(at(0), &timers));
    holder.inherit_deadline(at(5_000));
    assert!(holder.may_run(Ticks(at(3_000).0 - 1), &timers));
    assert!(!holder.may_run(at(3_000), &timers));
}
