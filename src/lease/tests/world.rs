//! One control plane, one node's name, two machines that may answer to it, and a network that loses, delays, repeats and
//! reorders. Every step checks what must always hold.

use std::time::Duration;

use uuid::Uuid;

use super::machine::{Answer, Machine, Request};
use super::{id, ms, node};
use crate::domain::{Decision, Drift, NodeState, Term, Ticks};
use crate::lease::{GrantTimers, Grantor, Heard, Order, Standing};

/// What a run is given once.
#[derive(Debug, Clone)]
pub struct Setting {
    pub drift_ppm: u32,
    pub margin: Duration,
    /// How fast each machine's clock runs beside the control plane's, in parts per million.
    pub rates: [u64; 2],
    pub clocks: [u64; 2],
}

#[derive(Debug, Clone)]
pub enum Step {
    Pass {
        micros: u64,
    },
    /// To the very moment at which time may change something, and look.
    PassToChange,
    Tick,
    Send {
        push: bool,
    },
    Request {
        pick: usize,
        keep: bool,
    },
    Answer {
        pick: usize,
        keep: bool,
    },
    /// A request and its answer, at once.
    Exchange {
        push: bool,
    },
    Assign {
        fresh: bool,
    },
    /// The agent only: a new incarnation; its guard keeps the deadline.
    Restart {
        machine: usize,
    },
    /// The machine: nothing runs, and its clock begins anew.
    Reboot {
        machine: usize,
        clock: u64,
    },
    Reign {
        clock: u64,
    },
    Ttl {
        millis: u64,
    },
    /// The node's address leads to the other machine.
    Move,
    LeaveAndReturn {
        agent: bool,
    },
    /// Every machine is rebooted, then the operator says so.
    Confirm,
}

pub struct World {
    setting: Setting,
    /// True time, which is the control plane's clock but for where that begins to count.
    now: u64,
    clock: u64,
    grantor: Grantor,
    timers: GrantTimers,
    machines: [Machine; 2],
    address: usize,
    requests: Vec<Request>,
    answers: Vec<Answer>,
    /// Stored: the longest lease ever granted, the agent that may hold one, the newest decision.
    longest: Duration,
    agent: Option<Uuid>,
    decision: Decision,
    incarnations: u128,
    /// Nothing may be granted before an effective `assign`.
    barred: bool,
    /// It was down, and nothing was assigned since.
    proven: bool,
}

const CLUSTER: u128 = 80;

impl World {
    pub fn new(setting: Setting) -> Self {
        let drift = Drift::from_ppm(setting.drift_ppm);
        let timers = GrantTimers { heartbeat: ms(100), ttl: ms(1_000), drift, margin: setting.margin };
        let machine = |number: usize| {
            let name = number as u128;
            Machine::new(id(1 + name), id(1_000 + name), setting.rates[number], setting.clocks[number])
        };
        let mut world = Self {
            machines: [machine(0), machine(1)],
            setting,
            now: 1_000_000_000,
            clock: 0,
            grantor: Grantor::new(id(500), Term(0), Ticks(0), ms(0), timers),
            timers,
            address: 0,
            requests: Vec::new(),
            answers: Vec::new(),
            longest: ms(0),
            agent: None,
            decision: Decision(0),
            incarnations: 2_000,
            barred: true,
            proven: false,
        };
        world.reign(0);
        world
    }

    fn here(&self) -> Ticks {
        Ticks(self.clock + self.now)
    }

    fn standing(&self) -> Standing {
        self.grantor.standing(&node()).unwrap()
    }

    pub fn take(&mut self, step: &Step) {
        let lapses = self.standing().lapses;
        match *step {
            Step::Pass { micros } => self.now += micros,
            Step::PassToChange => self.pass_to_change(),
            Step::Tick => drop(self.grantor.tick(self.here())),
            Step::Send { push } => self.send(push),
            Step::Request { pick, keep } => self.deliver_request(pick, keep),
            Step::Answer { pick, keep } => self.deliver_answer(pick, keep),
            Step::Exchange { push } => self.exchange(push),
            Step::Assign { fresh } => self.assign(fresh),
            Step::Restart { machine } => {
                let deadline = self.machines[machine].deadline();
                self.begin(machine, deadline);
            }
            Step::Reboot { machine, clock } => self.reboot(machine, clock),
            Step::Reign { clock } => return self.reign(clock),
            Step::Ttl { millis } => {
                self.timers.ttl = ms(millis);
                self.grantor.set_timers(self.timers);
            }
            Step::Move => self.address = 1 - self.address,
            Step::LeaveAndReturn { agent } => {
                self.grantor.forget(&node());
                self.grantor.track(&node(), self.agent.filter(|_| agent));
                self.barred = true;
                return self.check();
            }
            Step::Confirm => self.confirm(),
        }
        if self.standing().lapses > lapses {
            self.barred = true;
            self.proven = true;
        }
        self.check();
    }

    /// What must hold after every step.
    fn check(&self) {
        let standing = self.standing();
        let proven = self.proven || standing.state == NodeState::Down || standing.stopped_at <= self.here();
        let margin = u64::try_from(self.setting.margin.as_micros()).unwrap();
        for machine in &self.machines {
            let stopped = machine.stopped(self.now - margin);
            assert!(stopped || !proven, "it counts as stopped and may still run, or stopped within the margin");
        }
        let running = self.machines.iter().filter(|machine| !machine.stopped(self.now)).count();
        assert!(running < 2, "two machines hold a lease");
    }

    fn pass_to_change(&mut self) {
        if let Some(change) = self.grantor.next_change() {
            self.now = self.now.max(change.0 - self.clock);
            drop(self.grantor.tick(self.here()));
        }
    }

    fn send(&mut self, push: bool) {
        let grant = self.grantor.grant(&node(), self.here());
        if grant.decision.is_some() {
            assert!(!self.barred, "it was granted a lease that nothing assigned");
            self.longest = self.longest.max(grant.ttl);
        }
        let order = Order {
            cluster_id: id(CLUSTER),
            cluster: "edi".parse().unwrap(),
            node: node(),
            reign: self.grantor.reign(),
            term: self.grantor.term(),
        };
        self.requests.push(Request { order, grant, push: push.then_some(self.decision) });
    }

    fn deliver_request(&mut self, pick: usize, keep: bool) {
        let Some(request) = take(&mut self.requests, pick, keep) else { return };
        self.answers.extend(self.machines[self.address].receive(&request, self.now).ok());
    }

    fn deliver_answer(&mut self, pick: usize, keep: bool) {
        let Some(answer) = take(&mut self.answers, pick, keep) else { return };
        if answer.reign == self.grantor.reign() {
            let heard = self.grantor.heard(&node(), answer.agent, answer.stamp, self.here());
            if heard == Heard::Unknown {
                self.agent = Some(answer.agent);
                self.grantor.know_agent(&node(), answer.agent);
            }
        }
    }

    fn exchange(&mut self, push: bool) {
        self.send(push);
        let answers = self.answers.len();
        self.deliver_request(0, false);
        if self.answers.len() > answers {
            self.deliver_answer(0, false);
        }
    }

    fn assign(&mut self, fresh: bool) {
        let standing = self.standing();
        self.decision = self.decision.next();
        let lapses = if fresh { standing.lapses } else { standing.lapses.saturating_sub(1) };
        self.grantor.assign(&node(), self.decision, lapses);
        if standing.state != NodeState::Down && lapses == standing.lapses {
            self.barred = false;
            self.proven = false;
        }
    }

    fn begin(&mut self, machine: usize, deadline: Ticks) {
        self.incarnations += 1;
        self.machines[machine].begin(id(self.incarnations), deadline);
    }

    fn reboot(&mut self, machine: usize, clock: u64) {
        self.machines[machine].set_clock(clock);
        self.begin(machine, Ticks(0));
    }

    /// The reign before has ended; what it sent may still be under way.
    fn reign(&mut self, clock: u64) {
        self.clock = clock;
        let term = self.grantor.term().next();
        let reign = id(500 + u128::from(term.0));
        self.grantor = Grantor::new(reign, term, self.here(), self.longest, self.timers);
        self.grantor.track(&node(), self.agent);
        self.barred = true;
        self.proven = false;
        self.check();
    }

    fn confirm(&mut self) {
        if self.standing().state == NodeState::Unreachable {
            for machine in 0..self.machines.len() {
                self.reboot(machine, self.machines[machine].clock());
            }
        }
        let up = self.standing().state == NodeState::Up;
        assert_eq!(self.grantor.confirm_down(&node()), !up);
    }

    /// With faults over, whoever answers is granted a lease within a while, and keeps it.
    pub fn calm_down(&mut self) {
        self.requests.clear();
        self.answers.clear();
        for round in 0..120 {
            self.take(&Step::Pass { micros: 50_000 });
            self.take(&Step::Tick);
            // The newest decision may have been made on an older view: then it is pushed and not granted.
            if self.barred || round == 0 {
                self.take(&Step::Assign { fresh: true });
            }
            // An assignment needs a stamp of the present incarnation, which a heartbeat fetches.
            self.take(&Step::Exchange { push: false });
            self.take(&Step::Exchange { push: true });
        }
        let machine = &self.machines[self.address];
        assert_eq!(self.standing().state, NodeState::Up);
        assert!(!machine.stopped(self.now), "it answers and holds no lease");
        assert_eq!(machine.decision(), Some(self.decision));
    }
}

/// The `pick`th newest; all that is left out stays under way, and so does a copy if `keep`.
fn take<T: Clone>(under_way: &mut Vec<T>, pick: usize, keep: bool) -> Option<T> {
    let index = (under_way.len().checked_sub(1)?) - pick % under_way.len();
    Some(if keep { under_way[index].clone() } else { under_way.remove(index) })
}
