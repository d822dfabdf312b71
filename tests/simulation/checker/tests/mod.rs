//! Can the checker fail? Each rule is broken by a history of a few facts, and is found broken.

mod ends;
mod tale;

use tale::{Tale, placed, record, released, releasing};

/// A group of two resources is placed, runs, and moves with a proof.
fn good() -> Tale {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1));
    tale.pushed("n1", &[("ftp", 1)]).started("ftp/ip", "n1", 1).started("ftp/run", "n1", 1);
    tale.commit(|effects| {
        releasing(effects, "ftp", "n1", 1);
        effects.failovers.push(record(7, "ftp", "n1"));
    });
    tale.ended("ftp/run", "n1", 1).ended("ftp/ip", "n1", 1);
    tale.commit(|effects| moved(effects, "n3"));
    tale.pushed("n3", &[("ftp", 2)]).started("ftp/ip", "n3", 2).started("ftp/run", "n3", 2);
    tale
}

fn moved(effects: &mut locum::planner::Effects, to: &str) {
    released(effects, "ftp");
    placed(effects, "ftp", to, 2);
    effects.failovers.push(tale::proven(record(7, "ftp", "n1"), to, 2));
}

#[test]
fn a_good_history_breaks_nothing() {
    assert_eq!(good().rules(), Vec::<&str>::new());
}

#[test]
fn two_nodes_at_once_are_found() {
    let mut tale = good();
    tale.started("ftp/ip", "n1", 1);
    assert!(tale.rules().contains(&"I1"), "{:?}", tale.rules());
}

#[test]
fn two_machines_of_one_name_at_once_are_found() {
    let mut tale = good();
    tale.started_on("n3b", "ftp/ip", "n3", 2);
    assert_eq!(tale.rules(), ["I1"]);
}

#[test]
fn a_resource_that_runs_twice_on_its_node_is_found() {
    let mut tale = good();
    tale.started("ftp/run", "n3", 2);
    assert_eq!(tale.rules(), ["I1"]);
}

#[test]
fn two_epochs_at_once_on_a_node_are_found() {
    let mut tale = good();
    tale.commit(|effects| {
        released(effects, "ftp");
        placed(effects, "ftp", "n3", 3);
    });
    tale.started("ftp/run", "n3", 3);
    assert_eq!(tale.rules(), ["proof", "I1"]);
}

#[test]
fn a_start_that_was_never_stored_is_found() {
    let mut tale = Tale::default();
    tale.started("ftp/ip", "n1", 1);
    assert_eq!(tale.rules(), ["I2"]);
}

#[test]
fn a_start_before_the_proof_is_stored_is_found() {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1));
    tale.started("ftp/ip", "n1", 1).ended("ftp/ip", "n1", 1);
    tale.commit(|effects| {
        placed(effects, "ftp", "n3", 2);
        effects.failovers.push(tale::proven(record(7, "ftp", "n1"), "n3", 2));
    });
    tale.started("ftp/ip", "n3", 2);
    assert_eq!(tale.rules(), ["I2", "I2"], "given without a proof, and started without one");
}

#[test]
fn an_old_owner_that_begins_again_is_found() {
    let mut tale = good();
    tale.ended("ftp/run", "n3", 2).ended("ftp/ip", "n3", 2);
    tale.started("ftp/run", "n1", 1);
    assert_eq!(tale.rules(), ["I2", "I2"], "proven stopped, and no proof of the new owner");
}

#[test]
fn a_proof_while_it_runs_is_found() {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1));
    tale.started("ftp/ip", "n1", 1);
    tale.commit(|effects| moved(effects, "n3"));
    assert_eq!(tale.rules(), ["proof"]);
}

#[test]
fn a_record_that_owns_up_to_an_overlap_is_found() {
    let mut tale = good();
    tale.commit(|effects| {
        effects.failovers.push(locum::domain::FailoverRecord { max_overlap_ms: 3, ..record(8, "ftp", "n3") });
    });
    assert_eq!(tale.rules(), ["proof"]);
}

#[test]
fn numbers_that_go_down_are_found() {
    let mut tale = good();
    tale.commit(|effects| placed(effects, "ftp", "n3", 1));
    assert!(tale.rules().contains(&"I3"), "an epoch: {:?}", tale.rules());
    let mut tale = good();
    tale.commit(|effects| effects.decision = locum::domain::Decision(1));
    assert_eq!(tale.rules(), ["I3"], "a decision");
    let mut tale = good();
    tale.reign(4).reign(4);
    assert_eq!(tale.rules(), ["I3"], "a term");
    let mut tale = good();
    tale.accepted_generation(4).accepted_generation(4);
    assert_eq!(tale.rules(), ["I3"], "a generation");
}

#[test]
fn an_epoch_of_two_nodes_is_found() {
    let mut tale = good();
    tale.ended("ftp/run", "n3", 2).ended("ftp/ip", "n3", 2);
    tale.commit(|effects| {
        released(effects, "ftp");
        placed(effects, "ftp", "n1", 2);
        effects.failovers.push(tale::proven(record(8, "ftp", "n3"), "n1", 2));
    });
    assert_eq!(tale.rules(), ["I3"]);
}

#[test]
fn numbers_that_go_down_on_a_disk_are_found() {
    let (term, decision, epoch) = (5, 9, 3);
    for (what, worse) in [("term", (4, 9, 3)), ("decision", (5, 8, 3)), ("epoch", (5, 9, 2))] {
        let mut tale = Tale::default();
        tale.disk("n1", (term, decision, epoch)).disk("n1", worse);
        assert!(tale.rules().contains(&"I3"), "{what}: {:?}", tale.rules());
    }
    let mut tale = Tale::default();
    tale.disk("n1", (term, decision, epoch)).wiped("n1").disk("n1", (1, 1, 1));
    assert_eq!(tale.rules(), Vec::<&str>::new(), "another agent begins anew");
}

#[test]
fn a_change_of_owner_without_a_record_or_with_two_is_found() {
    for records in [0, 2] {
        let mut tale = Tale::default();
        tale.commit(|effects| placed(effects, "ftp", "n1", 1));
        tale.commit(|effects| {
            released(effects, "ftp");
            placed(effects, "ftp", "n3", 2);
            let tells = (0..records).map(|id| tale::proven(record(id, "ftp", "n1"), "n3", 2));
            effects.failovers.extend(tells);
        });
        assert_eq!(tale.rules(), ["I4"], "{records} records");
    }
}

#[test]
fn a_push_before_the_commit_is_found() {
    let mut tale = Tale::default();
    tale.pushed("n1", &[("ftp", 1)]);
    assert_eq!(tale.rules(), ["I4"]);
}

#[test]
fn a_failover_by_an_outage_alone_is_found() {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1));
    tale.only_outages();
    tale.commit(|effects| moved(effects, "n3"));
    assert_eq!(tale.rules(), ["I7", "I7"], "a record was opened, and the owner changed");
}

#[test]
fn what_a_restored_database_forgot_is_excused_and_what_ran_is_not() {
    let mut tale = Tale::default();
    tale.commit(|effects| placed(effects, "ftp", "n1", 1));
    tale.backed_up();
    tale.started("ftp/ip", "n1", 1).ended("ftp/ip", "n1", 1);
    tale.commit(|effects| moved(effects, "n3"));
    tale.started("ftp/ip", "n3", 2);
    tale.restored(0);
    let rules = tale.rules();
    assert_eq!(rules, Vec::<&str>::new());
    tale.started("ftp/ip", "n1", 1);
    assert_eq!(tale.rules(), ["I1"], "it runs on n3, whatever the database knows");
}
