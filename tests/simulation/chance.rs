//! What does the seed say? One stream of draws for each part of a world, so that one part does not disturb another's.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

/// The parts of a world that draw.
#[derive(Debug, Clone, Copy)]
pub enum Stream {
    Topology = 1,
    Clocks,
    Machines,
    Network,
    Database,
    ControlPlane,
    Operators,
    Faults,
}

/// A stream of draws.
pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(stream as u64);
        Self(source)
    }

    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (least, most) = range.into_inner();
        assert!(least <= most, "nothing lies between {least} and {most}");
        least + self.number() % (most - least + 1)
    }

    /// As `between`, but every other time one of the ends: there the bounds are that something was built for.
    pub fn extreme(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (least, most) = (*range.start(), *range.end());
        match self.between(0..=3) {
            0 => least,
            1 => most,
            _ => self.between(range),
        }
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, times: u64) -> bool {
        self.between(0..=999) < times
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.between(1..=many) == 1
    }

    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.between(range))
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.between(0..=len as u64 - 1)).expect("an index fits")
    }

    /// One of them; there must be one.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "there is nothing to choose from");
        &items[self.index(items.len())]
    }

    /// One of them, if there is any.
    pub fn any<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| self.pick(items))
    }

    /// Some of them, at least one, in any order.
    pub fn some<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut left = items.to_vec();
        let many = 1 + self.index(left.len());
        (0..many).map(|_| left.remove(self.index(left.len()))).collect()
    }

    /// One of the choices, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        let mut left = self.between(1..=choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if left <= *weight {
                return *choice;
            }
            left -= weight;
        }
        unreachable!("the draw is not above the sum of the weights")
    }
}
