//! May a process act now? Not while it is stopped by SIGSTOP, and never again after its end.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// The life of one process. What the process does is done through `run`, and what is done to it looks at this.
#[derive(Debug)]
pub struct Life(Mutex<State>);

#[derive(Debug)]
struct State {
    alive: bool,
    frozen: bool,
    /// Who waits for a change, in the order in which they came.
    waiting: BTreeMap<u64, Waker>,
    came: u64,
}

/// A place among those who wait; free again once it is dropped.
struct Place<'a> {
    life: &'a Life,
    number: u64,
}

impl Life {
    pub fn begin() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { alive: true, frozen: false, waiting: BTreeMap::new(), came: 0 })))
    }

    pub fn is_alive(&self) -> bool {
        self.0.lock().unwrap().alive
    }

    /// SIGSTOP, or SIGCONT. Whether that makes a difference.
    pub fn freeze(&self, frozen: bool) -> bool {
        self.change(|state| state.alive && std::mem::replace(&mut state.frozen, frozen) != frozen)
    }

    /// kill -9: whatever it was doing, it has done the last of it.
    pub fn end(&self) {
        self.change(|state| state.alive = false);
    }

    /// Returns once the process may go on; never, if it has ended.
    pub async fn awake(&self) {
        let place = self.place();
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if state.alive && !state.frozen {
                return Poll::Ready(());
            }
            if state.alive {
                place.wait(&mut state, context);
            }
            Poll::Pending
        })
        .await;
    }

    /// Does it while the process may act. None: the process ended before it was done.
    pub async fn run<F: Future>(self: Arc<Self>, doing: F) -> Option<F::Output> {
        let place = self.place();
        let mut doing = pin!(doing);
        poll_fn(|context| {
            {
                let mut state = self.0.lock().unwrap();
                if !state.alive {
                    return Poll::Ready(None);
                }
                place.wait(&mut state, context);
                if state.frozen {
                    return Poll::Pending;
                }
            }
            doing.as_mut().poll(context).map(Some)
        })
        .await
    }

    fn place(&self) -> Place<'_> {
        let mut state = self.0.lock().unwrap();
        state.came += 1;
        Place { life: self, number: state.came }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (changed, waiting) = {
            let mut state = self.0.lock().unwrap();
            (change(&mut state), std::mem::take(&mut state.waiting))
        };
        waiting.into_values().for_each(Waker::wake);
        changed
    }
}

impl Place<'_> {
    fn wait(&self, state: &mut State, context: &Context<'_>) {
        state.waiting.insert(self.number, context.waker().clone());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.life.0.lock().unwrap().waiting.remove(&self.number);
    }
}
