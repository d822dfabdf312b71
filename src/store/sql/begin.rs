//! What does an operator's action change at once?

use sqlx::query;

use super::change::{self, Asked};
use super::cluster::{self, Cluster};
use super::column::{Result, json};
use super::{Conn, operation, topology};
use crate::domain::{
    ChangeAction, ClusterName, Confirmation, EventKind, GroupWanted, NodeName, NodeWanted, Operation, OperationKind,
    OperationState, TopologySpec,
};
use crate::store::{Error, NewOperation};

pub async fn begin(conn: &mut Conn, name: &ClusterName, new: &NewOperation) -> Result<Operation> {
    let mut cluster = cluster::get(conn, name).await?;
    let before = topology::read(conn, &cluster).await?;
    check(conn, &cluster, &before, new).await?;
    if let Some((after, action)) = wanted(&before, new) {
        cluster.count_change();
        cluster::save(conn, &cluster).await?;
        topology::write(conn, &cluster, &after).await?;
        let asked = Asked { actor: &new.actor, at: new.at };
        change::record(conn, &cluster, action, (Some(&before), Some(&after)), &asked).await?;
        let message = format!("{} asked for {}, generation {}", new.actor, described(new), cluster.generation);
        let event = cluster::event(new.at, EventKind::TopologyChanged, &new.target, message);
        cluster::append(conn, &mut cluster, &[event]).await?;
    } else {
        cluster.decision = cluster.decision.next();
    }
    if new.kind == OperationKind::ConfirmDown {
        confirm_down(conn, &cluster, new).await?;
    }
    supersede(conn, &mut cluster, new).await?;
    let accepted = accepted(&cluster, new);
    operation::write(conn, &cluster, &accepted).await?;
    let reason = new.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let message = format!("{} asked for {}{reason}", new.actor, described(new));
    let event = cluster::event(new.at, EventKind::OperationAccepted, &new.target, message);
    cluster::append(conn, &mut cluster, &[event]).await?;
    cluster::save(conn, &cluster).await?;
    Ok(accepted)
}

/// The action in words: "move of group ftp to bts2".
fn described(new: &NewOperation) -> String {
    let what = if new.kind.targets_node() { "node" } else { "group" };
    let to = new.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
    format!("{} of {what} {}{to}", new.kind.as_str(), new.target)
}

async fn check(conn: &mut Conn, cluster: &Cluster, topology: &TopologySpec, new: &NewOperation) -> Result<()> {
    let has_node = |name: &str| topology.nodes.iter().any(|node| node.name.as_str() == name);
    match new.kind {
        // Also of a node that was removed: its silence may hold up a group that has not left it.
        OperationKind::ConfirmDown => {
            let row = query("select name from nodes where cluster_id = $1 and name = $2")
                .bind(cluster.key())
                .bind(&new.target)
                .fetch_optional(conn)
                .await?;
            row.map(drop).ok_or_else(|| cluster::missing("node", &new.target))?;
        }
        kind if kind.targets_node() => {
            if !has_node(&new.target) {
                return Err(cluster::missing("node", &new.target));
            }
        }
        _ => {
            if !topology.groups.iter().any(|group| group.name.as_str() == new.target) {
                return Err(cluster::missing("group", &new.target));
            }
        }
    }
    match &new.to {
        Some(to) if !has_node(to.as_str()) => Err(Error::Refused(unknown_destination(topology, to))),
        _ => Ok(()),
    }
}

fn unknown_destination(topology: &TopologySpec, to: &NodeName) -> String {
    let nodes: Vec<_> = topology.nodes.iter().map(|node| node.name.as_str()).collect();
    format!("cluster {} has no node {:?} to move to; its nodes are {}", topology.cluster, to.as_str(), nodes.join(", "))
}

/// The desired state that the action asks for, if that differs.
fn wanted(before: &TopologySpec, new: &NewOperation) -> Option<(TopologySpec, ChangeAction)> {
    let mut after = before.clone();
    let mut node = |wanted| {
        after.nodes.iter_mut().filter(|n| n.name.as_str() == new.target).for_each(|n| n.wanted = Some(wanted));
    };
    let mut group = |wanted| {
        after.groups.iter_mut().filter(|g| g.name.as_str() == new.target).for_each(|g| g.wanted = Some(wanted));
    };
    let action = match new.kind {
        OperationKind::Pause => {
            node(NodeWanted::Paused);
            ChangeAction::Pause
        }
        OperationKind::Drain => {
            node(NodeWanted::Drained);
            ChangeAction::Drain
        }
        OperationKind::Resume => {
            node(NodeWanted::Active);
            ChangeAction::Resume
        }
        OperationKind::Online => {
            group(GroupWanted::Online);
            ChangeAction::Online
        }
        OperationKind::Offline => {
            group(GroupWanted::Offline);
            ChangeAction::Offline
        }
        OperationKind::Move | OperationKind::Reset | OperationKind::ConfirmDown => return None,
    };
    (after != *before).then_some((after, action))
}

async fn confirm_down(conn: &mut Conn, cluster: &Cluster, new: &NewOperation) -> Result<()> {
    let word = Confirmation { actor: new.actor.clone(), reason: new.reason.clone(), at: new.at };
    query("update nodes set confirmed_down = $3 where cluster_id = $1 and name = $2")
        .bind(cluster.key())
        .bind(&new.target)
        .bind(json(&word)?)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends the running operations that the new one takes the place of.
async fn supersede(conn: &mut Conn, cluster: &mut Cluster, new: &NewOperation) -> Result<()> {
    for mut older in operation::running(conn, cluster).await? {
        if older.target != new.target || !replaces(new.kind, older.kind) {
            continue;
        }
        older.state = OperationState::Superseded;
        older.message = format!("superseded: {} asked for {}", new.actor, described(new));
        older.ended_at = Some(new.at);
        operation::write(conn, cluster, &older).await?;
        let message = format!("{} of {} was superseded by {}", older.kind.as_str(), older.target, described(new));
        let event = cluster::event(new.at, EventKind::OperationEnded, &older.target, message);
        cluster::append(conn, cluster, &[event]).await?;
    }
    Ok(())
}

/// Whether an action takes the place of an older one on the same target.
fn replaces(new: OperationKind, older: OperationKind) -> bool {
    use OperationKind::{Drain, Offline, Online, Pause, Resume};
    let opposed = |kind| match kind {
        Online | Offline => Some(1),
        Pause | Drain | Resume => Some(2),
        _ => None,
    };
    new == older || (opposed(new).is_some() && opposed(new) == opposed(older))
}

fn accepted(cluster: &Cluster, new: &NewOperation) -> Operation {
    Operation {
        id: new.id,
        cluster: cluster.name.clone(),
        kind: new.kind,
        target: new.target.clone(),
        to: new.to.clone(),
        reason: new.reason.clone(),
        actor: new.actor.clone(),
        state: OperationState::Running,
        message: "accepted".to_owned(),
        decision: cluster.decision,
        created_at: new.at,
        ended_at: None,
    }
}
