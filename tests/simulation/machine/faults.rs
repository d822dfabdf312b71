//! What can befall a simulated node? Each of its processes, its disk and its power, and back again.

use std::sync::Arc;
use std::time::Duration;

use super::Machine;
use super::disk::Disk;
use super::life::Life;

impl Machine {
    /// kill -9. Whatever it was doing, it has done the last of it.
    pub fn kill_agent(&self) {
        if self.end_agent() {
            self.tell("the agent is killed");
        }
    }

    /// SIGTERM.
    pub fn stop_agent(&self) {
        let stopping = self.node.lock().unwrap().agent.as_ref().map(|agent| agent.stopping.clone());
        if let Some(stopping) = stopping {
            self.tell("the agent is told to stop");
            stopping.cancel();
        }
    }

    /// SIGSTOP, of the agent process only.
    pub fn freeze_agent(&self) {
        self.freeze(self.agent_life(), true, "the agent is frozen");
    }

    /// SIGCONT.
    pub fn thaw_agent(&self) {
        self.freeze(self.agent_life(), false, "the agent goes on");
    }

    /// kill -9 of the guard; its services die with it.
    pub fn kill_guard(&self) {
        if let Some(guard) = self.guard().filter(|guard| guard.life.is_alive()) {
            self.tell("the guard is killed");
            guard.kill();
        }
    }

    pub fn freeze_guard(&self) {
        self.freeze(self.guard().map(|guard| guard.life.clone()), true, "the guard is frozen");
    }

    pub fn thaw_guard(&self) {
        self.freeze(self.guard().map(|guard| guard.life.clone()), false, "the guard goes on");
    }

    /// Everything on it is gone at once, with what was not synced.
    pub fn cut_power(&self) {
        if !self.is_on() {
            return;
        }
        self.tell("the power is cut");
        self.end_agent();
        let guard = {
            let mut node = self.node.lock().unwrap();
            node.on = false;
            node.guard.take()
        };
        if let Some(guard) = guard {
            guard.end();
            guard.processes().iter().for_each(|process| process.vanish());
        }
        self.disk.lock().unwrap().lose_power(&mut self.chance.lock().unwrap());
    }

    /// The machine boots: its clock begins anew, at another pace. Then its agent starts.
    pub async fn restore_power(self: &Arc<Self>) {
        if self.is_on() {
            return;
        }
        let (uptime, rate) =
            self.draw(|chance, habits| (chance.millis(500..=20_000), chance.extreme(habits.rate.clone())));
        self.clock.reboot(uptime, rate);
        {
            let mut node = self.node.lock().unwrap();
            (node.on, node.boot) = (true, node.boot + 1);
        }
        self.tell("the power is back");
        self.start_agent().await;
    }

    /// The disk is replaced by an empty one. Only with the power off.
    pub fn wipe_disk(&self) {
        assert!(!self.is_on(), "the disk of {} is in use", self.name);
        self.tell("the disk is replaced");
        *self.disk.lock().unwrap() = Disk::default();
    }

    /// From now on writes answer an error, some of them after having written; or no more.
    pub fn fail_disk(&self, failing: bool) {
        if std::mem::replace(&mut self.disk.lock().unwrap().failing, failing) != failing {
            self.tell(if failing { "the disk fails" } else { "the disk works" });
        }
    }

    /// Every write and every sync takes that much longer.
    pub fn slow_disk(&self, delay: Duration) {
        if std::mem::replace(&mut self.node.lock().unwrap().disk_delay, delay) != delay {
            self.tell(&format!("the disk is slower by {delay:?}"));
        }
    }

    fn freeze(&self, process: Option<Arc<Life>>, frozen: bool, what: &str) {
        if process.is_some_and(|life| life.freeze(frozen)) {
            self.tell(what);
        }
    }

    fn agent_life(&self) -> Option<Arc<Life>> {
        self.node.lock().unwrap().agent.as_ref().map(|agent| agent.life.clone())
    }
}
