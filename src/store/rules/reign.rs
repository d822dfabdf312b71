//! Which numbers does a new reign take, and what may the earlier ones have left?

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Result, counts_on};
use crate::domain::{Decision, EventKind, NodeName, Term};
use crate::store::Reign;
use crate::store::cluster::missing;
use crate::store::state::State;

/// A reign that is about to begin.
pub struct NewReign {
    pub id: Uuid,
    /// Above what was heard of; zeros where nothing above the stored numbers was.
    pub at_least: (Term, Decision),
    /// A lease that is known to be outstanding, maybe longer than the stored ones.
    pub longest: Duration,
    pub at: Timestamp,
}

/// Begins a reign.
pub fn reign(state: &mut State, new: &NewReign) -> Result<Reign> {
    let (term, decision) = new.at_least;
    let cluster = &mut state.cluster;
    counts_on("term", cluster.term.0, term.0)?;
    counts_on("decision", cluster.decision.0, decision.0)?;
    cluster.term = cluster.term.next().max(term);
    // Also those that it remembers nothing for: their agents may have applied something.
    let outdone: Vec<_> = state.nodes.values_mut().filter(|node| node.kept.assigned_at < decision).collect();
    cluster.decision = match outdone.is_empty() {
        true => cluster.decision.max(decision),
        // Agents applied higher decisions than a restored database remembers, and refuse lower ones: what is assigned is
        // pushed anew under a number above theirs and ours. A node may be behind though the cluster has gone on.
        false => cluster.decision.next().max(decision),
    };
    outdone.into_iter().for_each(|node| node.kept.assigned_at = cluster.decision);
    cluster.reign = Some(new.id);
    // Stays until a reign has waited long enough: the next one may begin before that.
    cluster.restored |= new.at_least != (Term(0), Decision(0));
    let restored = cluster.restored;
    // What earlier reigns may have left; stored from now on is also what this one may grant.
    let outstanding = cluster.longest_lease.max(whole_micros(new.longest));
    cluster.longest_lease = outstanding.max(cluster.settings.lease.get());
    let (cluster_id, name, term) = (cluster.id, cluster.name.clone(), cluster.term);
    state.note(new.at, EventKind::ReignBegan, name, format!("reign {} began with term {term}", new.id));
    let agents = state.nodes.iter().filter_map(|(name, node)| Some((name.clone(), node.kept.agent?)));
    Ok(Reign { cluster_id, id: new.id, term, longest_lease: outstanding, agents: agents.collect(), restored })
}

/// A reign over a restored database has waited for every lease that an earlier reign may have granted to whomever.
pub fn outlive_restore(state: &mut State, reign: Uuid) {
    if state.cluster.reign == Some(reign) {
        state.cluster.restored = false;
    }
}

/// Notes which agent is about to be granted leases for a node.
pub fn record_agent(state: &mut State, node: &NodeName, agent: Uuid) -> Result<()> {
    let node = state.nodes.get_mut(node).ok_or_else(|| missing("node", node.as_str()))?;
    node.kept.agent = Some(agent);
    Ok(())
}

/// As it is stored: rounded up, since a lease that is counted too short is unsafe.
fn whole_micros(lease: Duration) -> Duration {
    let micros = lease.as_nanos().div_ceil(1_000);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
