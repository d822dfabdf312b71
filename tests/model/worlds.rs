//! Which worlds are explored to their last state, and how large are they?
//!
//! Where a world is too large for every test run, what may happen in it is restricted to what leads to a takeover by the last
//! node (`takeover`), or by the second one before the database is put back (`forgotten`).

use super::bounds::{Bounds, Timers};
use super::mutants::{forgotten, takeover};
use super::state::{EVERYONE, Faults};

/// A world, at the bound of every test run and at the one for those who have hours.
pub struct World {
    pub name: &'static str,
    pub usual: Bounds,
    pub large: Bounds,
}

const NONE: Faults = Faults { restarts: 0, reboots: 0, reigns: 0, restores: 0, edits: 0 };
const BASE: Bounds = Bounds::small();
const PEERS: Bounds = Bounds { peer_hold: true, timers: Timers::HOLDING, decisions: 3, ..BASE };

pub const WORLDS: &[World] = &[
    World {
        name: "orders are lost, late, repeated and reordered",
        usual: Bounds { decisions: 3, ..BASE },
        large: Bounds { decisions: 4, ..BASE },
    },
    World {
        name: "clocks are slow",
        usual: Bounds { decisions: 2, requests: 2, slow: &[0b001, EVERYONE], ..BASE },
        large: Bounds { decisions: 3, slow: &[0b001, 0b110, EVERYONE], ..BASE },
    },
    World {
        name: "agents and machines restart",
        usual: Bounds { decisions: 2, requests: 2, faults: Faults { restarts: 1, reboots: 1, ..NONE }, ..BASE },
        large: Bounds { decisions: 3, faults: Faults { restarts: 1, reboots: 1, ..NONE }, ..BASE },
    },
    World {
        name: "one control plane follows another",
        usual: Bounds { decisions: 2, faults: Faults { reigns: 1, ..NONE }, ..BASE },
        large: Bounds { decisions: 3, faults: Faults { reigns: 1, ..NONE }, ..BASE },
    },
    World {
        name: "the database is restored",
        usual: Bounds { decisions: 2, faults: Faults { restores: 1, ..NONE }, may: forgotten, ..BASE },
        large: Bounds { decisions: 2, faults: Faults { restores: 1, ..NONE }, ..BASE },
    },
    World {
        name: "all begins with an empty database",
        usual: Bounds { decisions: 1, blank: true, ..BASE },
        large: Bounds { decisions: 2, blank: true, ..BASE },
    },
    World {
        name: "every step is taken by itself, and nothing is dropped",
        usual: Bounds { decisions: 1, answers: 1, fine: true, ..BASE },
        large: Bounds { decisions: 2, answers: 1, fine: true, ..BASE },
    },
    World {
        name: "owners hold through their peers",
        usual: Bounds { may: takeover, nameless: false, faults: Faults { restarts: 1, ..NONE }, ..PEERS },
        large: Bounds { decisions: 2, ..PEERS },
    },
    World {
        name: "owner sets are edited",
        usual: Bounds {
            faults: Faults { edits: 1, ..NONE },
            sets: &[0b011, EVERYONE],
            decisions: 4,
            may: takeover,
            nameless: false,
            ..PEERS
        },
        large: Bounds {
            faults: Faults { edits: 2, ..NONE },
            sets: &[EVERYONE, 0b011],
            decisions: 5,
            may: takeover,
            nameless: false,
            ..PEERS
        },
    },
];
