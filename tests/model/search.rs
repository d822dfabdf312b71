//! What does the checker find in a world?

use std::fmt;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use super::bounds::Bounds;
use super::protocol::{Action, Protocol};
use super::rules::Rules;
use super::state::State;

/// What a search came to.
pub struct Found {
    pub generated: usize,
    pub states: usize,
    pub depth: usize,
    pub took: Duration,
    pub violation: Option<Violation>,
}

/// A property that does not hold, and the shortest way there if one thread searched.
pub struct Violation {
    pub property: &'static str,
    pub steps: Vec<(Action, State)>,
}

/// Searches breadth first, until something is found or every state was seen.
pub fn search(bounds: &Bounds, rules: Rules, threads: usize) -> Found {
    let began = Instant::now();
    let checker = Protocol::new(bounds.clone(), rules).checker().threads(threads);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    // Several may be found in the last state: the first that is declared is told.
    let mut paths = checker.discoveries();
    let names = checker.model().properties().into_iter().map(|property| property.name);
    let first = names.filter_map(|name| Some((name, paths.remove(name)?))).next();
    Found {
        generated: checker.state_count(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        violation: first.map(|(property, path)| Violation { property, steps: steps(path.into_vec()) }),
    }
}

/// What happened, each with the state that followed.
fn steps(path: Vec<(State, Option<Action>)>) -> Vec<(Action, State)> {
    let (states, actions): (Vec<State>, Vec<Option<Action>>) = path.into_iter().unzip();
    actions.into_iter().flatten().zip(states.into_iter().skip(1)).collect()
}

impl Violation {
    pub fn actions(&self) -> Vec<String> {
        self.steps.iter().map(|(action, _)| format!("{action:?}")).collect()
    }

    /// The steps with what matters of each state.
    pub fn story(&self) -> String {
        let line = |(action, state): &(Action, State)| format!("{action:?}\n    {state:?}");
        self.steps.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { generated, states, depth, took, .. } = self;
        write!(f, "{states} states, {generated} steps, depth {depth}, {:.1} s", took.as_secs_f64())
    }
}
