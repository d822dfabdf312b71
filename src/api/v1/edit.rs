//! How is a part of the desired state written? Read the whole, change the part, check the whole, replace it.
//!
//! Writers of a cluster stand in line, and each is judged on what the one before it makes. The replacement is a
//! compare-and-swap on the generation and on what made it, so that every rule holds for what is stored. Whoever comes in
//! between all the same, an operator's action maybe, is no conflict: the change is made anew on what is there then.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::judged::{self, Judged};
use super::places::{Places, relative_to};
use super::preview::Outlook;
use super::written::Answer;
use crate::advice::FindingChanges;
use crate::api::AppState;
use crate::api::extract::Edit;
use crate::api::lines::{Ahead, Front};
use crate::api::problem::ApiError;
use crate::domain::{ChangeAction, ClusterName, Generation, TopologySpec, topology};
use crate::planner::PlanSummary;
use crate::store::{Error as StoreError, Replacement, Stored};

/// How often a change is made anew because somebody else came in between.
const ATTEMPTS: u32 = 8;

const BUSY: &str = "others write this cluster all the time; try again";

/// A change that was made in a document, in words.
pub struct Made {
    /// Where in the document stands what the caller sent.
    pub at: Places,
    pub action: ChangeAction,
    /// `nodes/bts1`.
    pub object: String,
    /// `put node bts1`.
    pub message: String,
    /// Why it is refused for want of a word on what it overwrites, if it is.
    pub unsaid: Option<ApiError>,
}

/// A change that was accepted or, in a dry run, that would be.
#[derive(Clone)]
pub struct Done {
    /// What was there before.
    pub before: Arc<Stored>,
    pub spec: Arc<TopologySpec>,
    /// Of the whole, after it; in a dry run the present one.
    pub generation: Generation,
    pub changed: bool,
    outlook: Outlook,
    pub findings: FindingChanges,
    pub refused: Option<String>,
}

impl Done {
    /// What it does, as the cluster was seen before it. It takes longer than all the rest of a change.
    pub fn summary(&self) -> PlanSummary {
        self.outlook.with(&self.spec)
    }
}

/// How much of the document a change may touch.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    Whole,
    /// Only what stands in this group.
    Group(&'a str),
}

/// Makes a change of a cluster's document by `change`, which refuses it or says what it did, and answers by `answer`.
pub async fn edit(
    state: &AppState,
    cluster: &ClusterName,
    asked: &Edit,
    change: impl Fn(&Stored, &mut Value) -> Result<Made, ApiError>,
    answer: impl Fn(Done) -> Result<Answer, ApiError>,
) -> Result<Response, ApiError> {
    edit_within(state, cluster, (asked, Reach::Whole), change, answer).await
}

/// The same where `change` touches a part only: the document that it gets shows as much of the rest as matters to that.
pub async fn edit_within(
    state: &AppState,
    cluster: &ClusterName,
    (asked, reach): (&Edit, Reach<'_>),
    change: impl Fn(&Stored, &mut Value) -> Result<Made, ApiError>,
    answer: impl Fn(Done) -> Result<Answer, ApiError>,
) -> Result<Response, ApiError> {
    if asked.dry_run {
        let before = state.store.topology(cluster).await?;
        let (_, done) = draft(state, &mut Front::default(), before, (asked, reach), &change)?;
        return Ok(answer(done)?.into_response());
    }
    let mut attempts = ATTEMPTS;
    loop {
        let line = state.lines.of(cluster);
        let mut front = line.lock().await;
        // At the front: what was stored when it came may be long past.
        let (before, rests_on) = front.before(state.store.topology(cluster).await?);
        let (made, done) = match (draft(state, &mut front, before, (asked, reach), &change), &rests_on) {
            (Err(refusal), Some(rests_on)) => {
                drop(front);
                // What is refused because of something that never came was not to be refused.
                match rests_on.clone().is_stored().await {
                    Some(true) => return Err(refusal),
                    // Its caller has gone. What waited when this is asked is over when it is answered.
                    None => {
                        state.store.ready().await?;
                        line.lock().await.forget(rests_on.id);
                    }
                    Some(false) => {}
                }
                if attempts == 1 {
                    return Err(ApiError::conflict(BUSY));
                }
                attempts -= 1;
                continue;
            }
            (drafted, _) => drafted?,
        };
        let Made { action, object, message, .. } = made;
        let (on, actor, at) = (done.before.generation, asked.actor.clone(), state.clock.now());
        let (id, after, spec) = (state.ids.next_id(), rests_on.map(|ahead| ahead.id), Arc::clone(&done.spec));
        let ahead = done.changed.then(|| Ahead::new(done.before.replaced_by(Arc::clone(&spec), done.generation), id));
        let (ahead, fate) = ahead.unzip();
        let mut new = Replacement { spec, id, on, after, action, message, object, actor, at, answer: None };
        let mut prepared = None;
        if let Some(key) = asked.key.clone() {
            // The change rests on `on`, so what it will be is known before: the answer is kept with it.
            let answer = answer(done.clone())?;
            new.answer = Some(answer.kept(key, at));
            prepared = Some(answer);
        }
        let mut write = state.store.replace_topology(&new);
        // It has its place now: whoever comes next is judged on what it makes.
        let begun = poll_fn(|context| Poll::Ready(write.as_mut().poll(context))).await;
        let place = front.go_ahead(ahead);
        drop(front);
        let written = match begun {
            Poll::Ready(written) => written,
            Poll::Pending => write.await,
        };
        fate.into_iter().for_each(|fate| fate.tell(written.is_ok()));
        match written {
            Ok(_) => {
                state.nudge.cluster(cluster);
                // Nobody waits in line for what only the answer takes.
                let answer = prepared.map_or_else(|| answer(done), Ok)?;
                return Ok(answer.into_response());
            }
            Err(error) => {
                line.lock().await.fall_back(place);
                match error {
                    StoreError::Conflict { .. } if attempts > 1 => attempts -= 1,
                    StoreError::Conflict { .. } => return Err(ApiError::conflict(BUSY)),
                    error => return Err(error.into()),
                }
            }
        }
    }
}

/// The change as it would be. Refused where it breaks something, unless it is only a question.
fn draft(
    state: &AppState,
    front: &mut Front,
    before: Arc<Stored>,
    (asked, reach): (&Edit, Reach<'_>),
    change: &impl Fn(&Stored, &mut Value) -> Result<Made, ApiError>,
) -> Result<(Made, Done), ApiError> {
    let (mut made, spec) = changed(&before, reach, change)?;
    let unsaid = made.unsaid.take();
    if !asked.dry_run
        && let Some(unsaid) = unsaid
    {
        return Err(unsaid);
    }
    let Judged { changes: findings, refusal } = judged::change_at(front, state, &before.spec, &spec);
    let refusal = refusal.map(|errors| -> Result<ApiError, ApiError> {
        let mut document = document(&before.spec)?;
        let made = change(&before, &mut document)?;
        Ok(ApiError::rules_broken(relative_to(&made.at, &document, errors.at(&document))))
    });
    let refusal = refusal.transpose()?;
    let outlook = Outlook::of(state, &spec.cluster, before.generation);
    let changed = spec != before.spec;
    let generation = if changed && !asked.dry_run { before.generation.next() } else { before.generation };
    match refusal {
        Some(refusal) if !asked.dry_run => Err(refusal),
        refusal => {
            let refused = unsaid.or(refusal).map(|refusal| refusal.detail().to_owned());
            Ok((made, Done { before, spec, generation, changed, outlook, findings, refused }))
        }
    }
}

/// What `change` makes of what was there, where that keeps the rules of documents.
fn changed(
    before: &Stored,
    reach: Reach<'_>,
    change: &impl Fn(&Stored, &mut Value) -> Result<Made, ApiError>,
) -> Result<(Made, Arc<TopologySpec>), ApiError> {
    let group = match reach {
        Reach::Group(name) => before.spec.groups.iter().map(|group| &group.name).find(|group| group.as_str() == name),
        Reach::Whole => None,
    };
    if let Some(group) = group
        && let Some(mut around) = topology::around(&before.spec, group)
    {
        let made = change(before, &mut around)?;
        if let Some(spec) = topology::with_group(&before.spec, group, &around) {
            return Ok((made, Arc::new(spec.with_operator_state(None))));
        }
    }
    let mut document = document(&before.spec)?;
    let made = change(before, &mut document)?;
    let spec = topology::parse(&document);
    let spec = spec.map_err(|findings| ApiError::invalid(relative_to(&made.at, &document, findings)))?;
    Ok((made, Arc::new(spec.with_operator_state(None))))
}

pub fn document(spec: &TopologySpec) -> Result<Value, ApiError> {
    serde_json::to_value(spec).map_err(|_| ApiError::internal())
}
