//! Which states differ only by the names of their nodes?

use super::state::{Control, Database, NODES, Set, State, has, only};

/// The same state with its nodes in an order that their names have no part in.
pub fn canonical(state: &mut State) {
    let mut order: [usize; NODES] = std::array::from_fn(|node| node);
    order.sort_by(|a, b| key(state, *a).cmp(&key(state, *b)));
    if order.is_sorted() {
        return;
    }
    let mut renamed = [0; NODES];
    for (new, old) in order.iter().enumerate() {
        renamed[*old] = new;
    }
    rename(state, &renamed);
}

/// What tells a node from others.
fn key(state: &State, node: usize) -> impl Ord {
    let to_it = |number: u8| usize::from(number) == node;
    let requests = state.requests.iter().filter(|request| to_it(request.to));
    let requests: Vec<_> = requests.map(|request| super::state::Request { to: 0, ..*request }).collect();
    let answers = state.answers.iter().filter(|answer| to_it(answer.from));
    let answers: Vec<_> = answers.map(|answer| super::state::Answer { from: 0, ..*answer }).collect();
    let claimed = state.database.claim.is_some_and(|(target, _)| to_it(target));
    let stored = (to_it(state.database.owner), claimed, state.database.at[node], has(state.database.set, node));
    (stored, has(state.slow, node), state.nodes[node], state.control.accounts[node], requests, answers)
}

fn rename(state: &mut State, to: &[usize; NODES]) {
    let small = |node: &mut u8| *node = u8::try_from(to[usize::from(*node)]).unwrap();
    rename_database(&mut state.database, to);
    state.backup.iter_mut().for_each(|backup| rename_database(backup, to));
    rename_control(&mut state.control, to);
    state.deposed.iter_mut().for_each(|control| rename_control(control, to));
    state.nodes = moved(&state.nodes, to);
    for node in &mut state.nodes {
        node.held = moved(&node.held, to);
        if let super::state::Content::Run { set, .. } = &mut node.content {
            *set = renamed_set(*set, to);
        }
    }
    for request in &mut state.requests {
        small(&mut request.to);
        if let Some(super::state::Content::Run { set, .. }) = &mut request.push {
            *set = renamed_set(*set, to);
        }
    }
    state.answers.iter_mut().for_each(|answer| small(&mut answer.from));
    for word in &mut state.peer_words {
        small(&mut word.owner);
        word.promiser.iter_mut().for_each(small);
    }
    state.slow = renamed_set(state.slow, to);
    state.requests.sort_unstable();
    state.answers.sort_by_key(|answer| answer.from);
    state.peer_words.sort_unstable();
}

fn moved<T: Copy>(from: &[T; NODES], to: &[usize; NODES]) -> [T; NODES] {
    let mut moved = *from;
    for (old, new) in to.iter().enumerate() {
        moved[*new] = from[old];
    }
    moved
}

fn renamed_set(set: Set, to: &[usize; NODES]) -> Set {
    (0..NODES).filter(|node| has(set, *node)).map(|node| only(to[node])).fold(0, |set, one| set | one)
}

fn rename_database(database: &mut Database, to: &[usize; NODES]) {
    let small = |node: u8| u8::try_from(to[usize::from(node)]).unwrap();
    database.owner = small(database.owner);
    database.claim = database.claim.map(|(target, decision)| (small(target), decision));
    database.set = renamed_set(database.set, to);
    database.common = renamed_set(database.common, to);
    database.at = moved(&database.at, to);
}

fn rename_control(control: &mut Control, to: &[usize; NODES]) {
    control.accounts = moved(&control.accounts, to);
    for account in &mut control.accounts {
        if let Some((_, super::state::Content::Run { set, .. })) = &mut account.naming {
            *set = renamed_set(*set, to);
        }
    }
}
