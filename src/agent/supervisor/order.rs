//! In which order do the resources of a group start and stop? By what they say they depend on, else by the document.

use super::member::Member;
use crate::domain::ResourceName;

/// Which members must stop: those that are not wanted, and those that depend on what is not online or must stop.
pub(super) fn doomed(members: &[Member], wanted: &[bool]) -> Vec<bool> {
    let mut doomed: Vec<bool> = wanted.iter().map(|wanted| !wanted).collect();
    loop {
        let stays = |name: &ResourceName| is_online(members, &doomed, name);
        let lost = |member: &Member| member.spec.depends_on.as_ref().is_some_and(|needs| !needs.is_met(&stays));
        let next: Vec<usize> =
            (0..members.len()).filter(|at| !doomed[*at] && members[*at].is_alive() && lost(&members[*at])).collect();
        if next.is_empty() {
            return doomed;
        }
        next.into_iter().for_each(|at| doomed[at] = true);
    }
}

/// The doomed that can be asked to stop now: nothing that is alive and doomed as well needs them.
pub(super) fn next_to_stop(members: &[Member], doomed: &[bool]) -> Vec<usize> {
    let left: Vec<usize> = (0..members.len()).filter(|at| doomed[*at] && members[*at].is_alive()).collect();
    let named = |who: usize, whom: usize| {
        members[who].spec.depends_on.as_ref().is_some_and(|needs| needs.names().contains(&members[whom].spec.name))
    };
    let placed = |who: usize, whom: usize| members[who].spec.depends_on.is_none() && whom < who;
    let free = |needs: &dyn Fn(usize, usize) -> bool| -> Vec<usize> {
        let needed = |at: &usize| left.iter().any(|other| other != at && needs(*other, *at));
        left.iter().copied().filter(|at| !needed(at)).collect()
    };
    // Where the document's order contradicts what is said, or two versions of a group each other, it goes in a circle:
    // what is said counts more, and it has to begin somewhere.
    let last = || left.last().copied().into_iter().collect();
    let choices = [free(&|who, whom| named(who, whom) || placed(who, whom)), free(&named)];
    choices.into_iter().find(|choice| !choice.is_empty()).unwrap_or_else(last)
}

/// Which members have what they wait for, to be started.
pub(super) fn ready(members: &[Member], doomed: &[bool]) -> Vec<bool> {
    let hopeless = hopeless(members);
    let online = |name: &ResourceName| is_online(members, doomed, name);
    let passed = |at: usize| members[at].is_online() && !doomed[at] || hopeless[at];
    let is_ready = |at: usize| match &members[at].spec.depends_on {
        Some(dependency) => dependency.is_met(&online),
        // What itself waits for this one is not waited for.
        None => (0..at).all(|before| passed(before) || relies_on(members, before, at)),
    };
    (0..members.len()).map(is_ready).collect()
}

fn is_online(members: &[Member], doomed: &[bool], name: &ResourceName) -> bool {
    members.iter().zip(doomed).any(|(member, doomed)| member.spec.name == *name && member.is_online() && !doomed)
}

/// Which members won't come online for a long time, so that others in the document's order don't wait for them: those
/// that are not critical and beyond their restart policy, and what needs them.
fn hopeless(members: &[Member]) -> Vec<bool> {
    let mut hopeless: Vec<bool> =
        members.iter().map(|member| !member.spec.critical && member.beyond.is_some()).collect();
    loop {
        let may_come = |name: &ResourceName| {
            members.iter().zip(&hopeless).any(|(member, hopeless)| member.spec.name == *name && !hopeless)
        };
        let lost = |member: &Member| member.spec.depends_on.as_ref().is_some_and(|needs| !needs.is_met(&may_come));
        let next: Vec<usize> = (0..members.len()).filter(|at| !hopeless[*at] && lost(&members[*at])).collect();
        if next.is_empty() {
            return hopeless;
        }
        next.into_iter().for_each(|at| hopeless[at] = true);
    }
}

/// Whether the member at `who` depends on the one at `whom`, be it by way of others.
fn relies_on(members: &[Member], who: usize, whom: usize) -> bool {
    let mut seen = vec![false; members.len()];
    let mut next = vec![who];
    while let Some(at) = next.pop() {
        let Some(dependency) = members[at].spec.depends_on.as_ref().filter(|_| !seen[at]) else { continue };
        seen[at] = true;
        let names = dependency.names();
        let named = (0..members.len()).filter(|other| names.contains(&members[*other].spec.name));
        for other in named {
            if other == whom {
                return true;
            }
            next.push(other);
        }
    }
    false
}
