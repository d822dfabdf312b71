//! How does a group or an instance look from outside?

use super::group::Group;
use super::instance::Instance;
use super::life::{Life, Up};
use super::member::Member;
use crate::domain::{FailureKind, GroupState, ResourceState};
use crate::wire::{ObservedFailure, ObservedGroup, ObservedInstance, ObservedResource};

/// `may_run`: whether the lease lets anything be started.
pub(super) fn observe(group: &Group, may_run: bool) -> ObservedGroup {
    let resources: Vec<_> = group.members.iter().map(|m| resource(m, may_run)).collect();
    let failure = failure(group);
    ObservedGroup {
        group: group.name.clone(),
        epoch: group.epoch,
        state: state(group, failure.is_some(), &resources, may_run),
        running: group.is_alive(),
        begun_at: group.begun_at,
        online_at: group.online_at,
        failure,
        resources,
    }
}

fn failure(group: &Group) -> Option<ObservedFailure> {
    if group.is_leaving() {
        return None;
    }
    let failed = group.members.iter().filter(|m| m.fails_over());
    failed.filter_map(|m| Some((m, m.beyond.as_ref()?))).min_by_key(|(_, beyond)| beyond.at).map(|(member, beyond)| {
        ObservedFailure {
            kind: if member.was_online { FailureKind::ResourceFailed } else { FailureKind::StartFailed },
            resource: member.spec.name.clone(),
            reason: beyond.reason.clone(),
            at: beyond.at,
        }
    })
}

fn state(group: &Group, failed: bool, resources: &[ObservedResource], may_run: bool) -> GroupState {
    let any = |state| resources.iter().any(|r| r.state == state);
    if failed {
        GroupState::Failed
    } else if group.is_online() {
        GroupState::Online
    } else if any(ResourceState::OnlinePending) || any(ResourceState::OfflinePending) {
        GroupState::Pending
    } else if group.members.iter().any(|m| m.beyond.is_some()) {
        if any(ResourceState::Online) { GroupState::PartialOnline } else { GroupState::Failed }
    } else if may_run || group.is_alive() {
        GroupState::Pending
    } else {
        GroupState::Offline
    }
}

/// Nothing but itself keeps an instance from running.
pub(super) fn instance(instance: &Instance) -> ObservedInstance {
    ObservedInstance { host: instance.host.clone(), resource: resource(&instance.member, true) }
}

fn resource(member: &Member, may_run: bool) -> ObservedResource {
    let up = match &member.life {
        Life::Up(up) => Some(up),
        Life::Dead | Life::Starting { .. } => None,
    };
    let state = match &member.life {
        Life::Dead if member.beyond.is_some() => ResourceState::Failed,
        Life::Dead if may_run && member.waits_to_restart() => ResourceState::OnlinePending,
        Life::Dead => ResourceState::Offline,
        Life::Up(Up { stop: Some(_), .. }) => ResourceState::OfflinePending,
        Life::Up(Up { online: true, .. }) => ResourceState::Online,
        Life::Starting { .. } | Life::Up(_) => ResourceState::OnlinePending,
    };
    let counted = member.failures.len().min(member.spec.restart.max_restarts as usize);
    ObservedResource {
        name: member.spec.name.clone(),
        state,
        pid: up.map(|up| up.pid),
        bounded: up.map(|up| up.bounded),
        restarts: u32::try_from(counted).unwrap_or(u32::MAX),
        message: member.message.clone(),
    }
}
