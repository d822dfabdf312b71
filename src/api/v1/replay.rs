//! Would today's planner decide a failover as it was decided?

use axum::Json;
use axum::extract::State;

use super::history::OneFailover;
use crate::api::AppState;
use crate::api::answers::Reading;
use crate::api::extract::Path;
use crate::api::problem::ApiError;
use crate::api::views::{ReplayView, ReplayedDecision};
use crate::domain::{Decision, GroupName};
use crate::planner::PLANNER_VERSION;
use crate::planner::replay::{GroupDecision, KeptPlan};

/// Replay a failover
///
/// Runs the planner on what was known when the failover was decided, and shows the decision with its reasons, whether it is
/// the same as it was then, byte for byte, and whether the planner has changed since.
#[utoipa::path(get, path = "/v1/clusters/{cluster}/failovers/{id}/replay", tag = "history", params(OneFailover), responses(
    (status = 200, description = "The replay", body = ReplayView),
    Reading,
))]
pub async fn replay_failover(
    State(state): State<AppState>,
    Path(OneFailover { cluster, id }): Path<OneFailover>,
) -> Result<Json<ReplayView>, ApiError> {
    let record = state.store.failover(&cluster, id).await?;
    let kept = state.store.kept_plans(&cluster, id).await?;
    let decisions: Vec<_> = kept.iter().map(|(decision, kept)| replayed(*decision, kept, &record.group)).collect();
    let Some(first) = decisions.first() else {
        return Err(ApiError::not_found("kept plan of failover", &id.to_string()));
    };
    let same = decisions.iter().all(|decision| decision.same);
    let planner_then = first.planner_then;
    let planner_changed = decisions.iter().any(|decision| decision.planner_then != PLANNER_VERSION);
    let message = message(same, planner_changed, planner_then);
    let chief = decisions.iter().filter_map(|decision| decision.now.as_ref()).find(|now| now.reason.is_some());
    let GroupDecision { chosen, reason, verdicts, .. } = chief.cloned().unwrap_or_default();
    Ok(Json(ReplayView {
        failover: id,
        group: record.group,
        same,
        chosen,
        reason,
        verdicts,
        planner_then,
        planner_now: PLANNER_VERSION,
        planner_changed,
        message,
        decisions,
    }))
}

fn replayed(decision: Decision, kept: &KeptPlan, group: &GroupName) -> ReplayedDecision {
    let planner_then = kept.planner_version;
    match kept.replay(group) {
        Ok(replay) => ReplayedDecision {
            decision,
            at: Some(replay.at),
            same: replay.same,
            planner_then,
            then: (replay.recorded != replay.replayed).then_some(replay.recorded),
            now: Some(replay.replayed),
            problem: None,
        },
        Err(error) => {
            let problem =
                Some(format!("this version can't read what version {planner_then} of the planner kept: {error}"));
            ReplayedDecision { decision, at: None, same: false, planner_then, now: None, then: None, problem }
        }
    }
}

fn message(same: bool, planner_changed: bool, then: u32) -> String {
    let now = PLANNER_VERSION;
    match (same, planner_changed) {
        (true, false) => "the planner decides the same, byte for byte".to_owned(),
        (true, true) => {
            format!(
                "the planner has changed since (version {then} then, {now} now), and decides the same, byte for byte"
            )
        }
        (false, true) => {
            format!(
                "the planner has changed since (version {then} then, {now} now): it would not decide quite the same"
            )
        }
        (false, false) => "the planner does not decide the same, though its version is: this is a defect".to_owned(),
    }
}
