//! Does a store keep what it accepted, whole, and nothing of what it refused? Every story runs on every backend.

pub mod backends;
mod commit;
mod differential;
mod history;
mod operation;
mod prune;
mod reign;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use locum::domain::operation::DEFAULT_TIMEOUT;
use locum::domain::{
    Actor, Cause, ChangeAction, Confirmation, Decision, Epoch, EventKind, FailedMark, FailoverRecord, FailoverStep,
    Generation, GroupWanted, NewEvent, NodeWanted, OperationKind, OperationPhase, OperationState, Outcome, Placement,
    PlacementPhase, Progress, ReleaseProof, Term, TopologySpec,
};
use locum::planner::replay::KeptPlan;
use locum::planner::{Effects, Snapshot};
use locum::store::{
    AnswerOf, Basis, Cancellation, Error, EventFilter, Expect, FailoverFilter, KeptAnswer, NewOperation,
    OperationFilter, Replacement, Store,
};

use crate::support::{alice, at, cluster, group, id, node, three_nodes};

/// Makes a test of every story of these files on one backend.
macro_rules! stories {
    ($backend:ident: $($file:ident { $($story:ident)+ })+) => {
        mod $backend {
            $($(
                #[tokio::test]
                async fn $story() {
                    let opened = super::backends::$backend().await;
                    super::$file::$story(opened.store()).await;
                }
            )+)+
        }
    };
}

/// The whole suite on a backend, which is a function of `backends` that opens an empty one.
macro_rules! suite {
    ($backend:ident) => {
        stories! {
            $backend:
            topology {
                a_topology_is_created_kept_and_replaced
                a_cluster_is_created_with_the_answer_of_its_call
                a_replacement_rests_on_a_generation
                a_replacement_rests_on_the_one_that_it_names
                history_is_whole_whatever_a_change_touched
                a_replacement_is_exact_and_told_in_words
                operator_state_goes_only_where_a_replacement_leaves_it_out
                what_is_absent_retires_while_anything_may_hold_it
                a_cluster_goes_only_when_nothing_has_an_owner_and_its_history_stays
                a_cluster_is_deleted_only_as_its_writer_expects_it
                a_cluster_that_comes_again_goes_on_with_its_numbers
            }
            commit {
                a_refused_write_leaves_no_trace
                a_commit_on_what_has_passed_is_outrun
                a_commit_is_written_whole
                a_plan_is_kept_with_the_failovers_that_it_concerns
                the_budget_counts_what_ran_within_its_period_since_the_reset
                a_second_open_failover_of_a_group_is_refused
                a_commit_updates_only_operations_that_are_there
                a_commit_touches_no_failover_of_another_cluster
            }
            reign {
                a_reign_outnumbers_all_before_and_learns_who_may_hold_leases
                what_a_node_was_assigned_below_a_heard_of_decision_is_assigned_anew
                a_restored_database_is_one_until_a_reign_has_outlived_that
                a_lease_is_never_stored_shorter_than_it_is
                numbers_that_no_column_holds_are_refused
                what_a_reign_accepts_can_be_counted_on_from
            }
            operation {
                an_operation_changes_what_is_wanted_and_replaces_its_opposite
                a_plan_ends_operations_and_withdraws_confirmations
                an_operation_is_begun_once
                an_operation_keeps_its_phases_and_what_follows
                what_a_cancelled_operation_wanted_is_taken_back
                to_cancel_goes_back_to_what_was_wanted_before
                what_was_stopped_for_an_operation_is_not_taken_back
                what_counts_at_once_is_not_taken_back
                a_plan_made_before_a_cancellation_is_outrun
                operations_are_found_by_what_they_are
            }
            history {
                events_are_numbered_without_gaps
                a_page_of_failovers_has_the_steps_of_each
                a_word_on_a_failover_is_kept_with_its_answer
                an_answer_is_kept_for_a_day
                events_are_found_by_kind_and_subject
                history_is_that_of_the_newest_cluster_of_a_name
            }
            prune {
                what_is_older_than_the_retention_is_removed
                what_a_budget_counts_and_what_is_under_way_stays
                the_last_word_on_where_a_group_stands_stays
                little_is_removed_at_a_time_the_oldest_first
                history_of_a_deleted_cluster_goes_by_the_default
            }
        }
    };
}

suite!(sqlite);
suite!(memory);

const REIGN: u128 = 77;

/// Makes the cluster of `three_nodes`, under a reign.
async fn reigned(store: &Arc<dyn Store>) {
    store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
    begin_reign(store, REIGN).await;
}

async fn begin_reign(store: &Arc<dyn Store>, number: u128) -> locum::store::Reign {
    let least = (Term(0), Decision(0));
    store.begin_reign(&cluster(), id(number), least, Duration::ZERO, at(1)).await.unwrap()
}

async fn load(store: &Arc<dyn Store>) -> Snapshot {
    store.load(&cluster(), at(100)).await.unwrap()
}

/// Commits on what is stored now.
async fn commit(store: &Arc<dyn Store>, mut effects: Effects) -> Result<(), Error> {
    let now = load(store).await;
    effects.decision = now.decision.next();
    store.commit(&cluster(), &basis(&now), &effects).await
}

fn basis(snapshot: &Snapshot) -> Basis {
    Basis { generation: snapshot.generation, decision: snapshot.decision, reign: id(REIGN) }
}

fn held(owner: &str, epoch: u64) -> Placement {
    Placement { epoch: Epoch(epoch), last_owner: Some(node(owner)), phase: PlacementPhase::Held, by_operator: false }
}

fn placed(placement: Placement) -> Effects {
    Effects { placements: [(group("ftp"), placement)].into(), ..Effects::default() }
}

pub fn failover(number: u128, second: i64, outcome: Outcome) -> FailoverRecord {
    FailoverRecord {
        id: id(number),
        cluster: cluster(),
        group: group("ftp"),
        cause: Cause::NodeLost,
        actor: alice(),
        reason: "bts1 is down".to_owned(),
        from: Some(node("bts1")),
        to: Some(node("bts2")),
        epoch: Some(Epoch(2)),
        release_proof: Some(ReleaseProof::LeaseExpired),
        release_evidence: Some("its lease ended".to_owned()),
        outcome,
        detected_at: at(second),
        released_at: Some(at(second + 5)),
        start_begun_at: None,
        online_at: None,
        phases_ms: [("release".to_owned(), 5000)].into(),
        max_overlap_ms: 0,
        steps: vec![FailoverStep { at: at(second), what: "bts1 fell silent".to_owned() }],
        verdicts: [(node("bts2"), "first by name".to_owned())].into(),
        decision: Decision(3),
        acknowledged_by: None,
        acknowledged_at: None,
        comment: None,
    }
}

fn operation(number: u128, kind: OperationKind, target: &str) -> NewOperation {
    let reason = Some("maintenance".to_owned());
    NewOperation {
        id: id(number),
        kind,
        target: target.to_owned(),
        to: None,
        reason,
        actor: alice(),
        at: at(10),
        timeout: DEFAULT_TIMEOUT,
        answer: None,
    }
}

fn cancellation(number: u128) -> Cancellation {
    let reason = Some("wrong node".to_owned());
    Cancellation { id: id(number), reason, actor: alice(), at: at(20), answer: None }
}

pub fn event(second: i64, number: usize) -> NewEvent {
    let subject = format!("bts{number}");
    NewEvent { at: at(second), kind: EventKind::NodeUp, message: format!("{subject} answers"), subject }
}
