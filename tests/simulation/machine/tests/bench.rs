//! Who drives a machine in its tests? A control plane of a few lines; and somebody writes down what happens.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use locum::agent::guard::client::ServiceKey;
use locum::agent::ledger::Ledger;
use locum::clock::Clock as _;
use locum::domain::{
    Assignment, Decision, Epoch, GroupAssignment, GroupState, LeaseTimers, NodeName, Revision, Settings, Term, Ticks,
};
use locum::wire::{
    AgentError, AssignmentRequest, Grant, LeaseRequest, Observation, ObservationQuery, Order, Stamp, WireAssignment,
};
use serde_json::json;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::clock::{RIGHT, SimClock, SimIds, TrueTime};
use crate::machine::{Habits, Machine, Witness};

pub const MS: Duration = Duration::from_millis(1);
pub const LEASE: Duration = Duration::from_millis(1_500);

/// Services are asked to stop 700 ms before the end of the lease, and killed 100 ms before it.
fn settings() -> Settings {
    let value = json!({ "heartbeat": "100ms", "lease": "1500ms", "stop_budget": "700ms", "margin": "100ms" });
    serde_json::from_value(value).unwrap()
}

/// Writes the story, in true time.
pub struct Scribe {
    truth: TrueTime,
    story: Mutex<String>,
    alive: Mutex<Vec<ServiceKey>>,
}

impl Scribe {
    pub fn write(&self, line: &str) {
        let _ = writeln!(self.story.lock().unwrap(), "{:>9} {line}", self.truth.now().as_millis());
    }

    pub fn story(&self) -> String {
        self.story.lock().unwrap().clone()
    }

    pub fn has(&self, what: &str) -> bool {
        self.story().contains(what)
    }
}

impl Witness for Scribe {
    fn service_started(&self, _: &NodeName, key: &ServiceKey, epoch: Epoch) {
        self.write(&format!("{key} starts under epoch {epoch}"));
        let mut alive = self.alive.lock().unwrap();
        assert!(!alive.contains(key), "two of them run:\n{}", self.story());
        alive.push(key.clone());
    }

    fn service_ended(&self, _: &NodeName, key: &ServiceKey, _: Epoch, how: &str) {
        self.write(&format!("{key} ends {how}"));
        self.alive.lock().unwrap().retain(|other| other != key);
    }

    fn ledger_written(&self, _: &NodeName, ledger: &Ledger) {
        self.write(&format!("on disk: {:?} {:?}", ledger.bond.as_ref().map(|b| b.term), ledger.applied));
    }

    fn said(&self, who: &str, what: String) {
        self.write(&format!("{who}: {what}"));
    }
}

/// A node, and a control plane of a few lines.
pub struct Bench {
    pub machine: Arc<Machine>,
    pub scribe: Arc<Scribe>,
    pub clock: Arc<SimClock>,
    reign: Mutex<Reign>,
}

/// What the control plane knows.
#[derive(Default)]
struct Reign {
    term: u64,
    decision: u64,
    /// The newest stamp, and the end of the longest lease that was granted on any of the same process.
    stamp: Option<Stamp>,
    lease_ends: Ticks,
}

impl Bench {
    pub async fn start(seed: u64, habits: Habits) -> Arc<Self> {
        let truth = TrueTime::begin();
        let clock = SimClock::new(truth, Duration::from_secs(1_000), RIGHT + 3_000, SignedDuration::ZERO);
        let scribe = Arc::new(Scribe { truth, story: Mutex::default(), alive: Mutex::default() });
        let name = "bts1".parse().unwrap();
        let machine = Machine::new(name, clock.clone(), SimIds::new(seed), seed, habits, scribe.clone());
        machine.start_agent().await;
        let reign = Mutex::new(Reign { term: 1, ..Reign::default() });
        Arc::new(Self { machine, scribe, clock, reign })
    }

    /// A bench whose node runs a group.
    pub async fn with_a_group() -> Arc<Self> {
        let bench = Self::start(1, Habits::calm()).await;
        bench.assign(&["ftp"], 1).await.unwrap();
        bench.online().await;
        bench
    }

    fn order(&self) -> Order {
        let term = self.reign.lock().unwrap().term;
        Order {
            cluster_id: Uuid::from_u128(1),
            cluster: "integration".parse().unwrap(),
            node: "bts1".parse().unwrap(),
            reign: Uuid::from_u128(term.into()),
            term: Term(term),
        }
    }

    fn grant(&self) -> Grant {
        let mut reign = self.reign.lock().unwrap();
        if let Some(stamp) = reign.stamp {
            reign.lease_ends = reign.lease_ends.max(stamp.ticks.plus(LEASE));
        }
        let ttl_ms = u64::try_from(LEASE.as_millis()).unwrap();
        Grant { echo: reign.stamp, decision: Some(Decision(reign.decision)), ttl_ms }
    }

    fn heard(&self, stamp: Stamp) {
        self.reign.lock().unwrap().stamp = Some(stamp);
    }

    /// Another control plane reigns from now on.
    pub fn reign_anew(&self) {
        self.reign.lock().unwrap().term += 1;
        self.scribe.write("another reign begins");
    }

    /// The machine boots: what was granted before counts by a clock that is no more.
    pub fn forget_leases(&self) {
        let mut reign = self.reign.lock().unwrap();
        (reign.stamp, reign.lease_ends) = (None, Ticks(0));
    }

    /// Nothing may run past this, by the machine's clock.
    pub fn lease_ends(&self) -> Ticks {
        self.reign.lock().unwrap().lease_ends
    }

    /// One heartbeat.
    pub async fn renew(&self) -> Result<(), AgentError> {
        let request = LeaseRequest { order: self.order(), grant: self.grant() };
        let answer = timeout(400 * MS, self.machine.renew(request)).await;
        let answer = answer.unwrap_or_else(|_| Err(AgentError::Unreachable("late".to_owned())))?;
        self.heard(answer.stamp);
        Ok(())
    }

    /// Heartbeats for so long.
    pub async fn beat(&self, time: Duration) {
        let end = self.clock.true_now() + time;
        while self.clock.true_now() < end {
            let _ = self.renew().await;
            sleep(100 * MS).await;
        }
    }

    /// Has the node run these groups under this epoch.
    pub async fn assign(&self, groups: &[&str], epoch: u64) -> Result<Observation, AgentError> {
        let _ = self.renew().await;
        let decision = {
            let mut reign = self.reign.lock().unwrap();
            reign.decision += 1;
            Decision(reign.decision)
        };
        let resource = json!({
            "name": "handler", "type": "process", "command": ["receive"], "stop_timeout": "1s",
            "restart": { "max_restarts": 3, "delay": "50ms" },
            "readiness": { "tcp": "127.0.0.1:21", "interval": "100ms", "timeout": "200ms" },
            "is_alive": { "tcp": "127.0.0.1:21", "interval": "1s", "timeout": "200ms" },
        });
        let group = |name: &&str| GroupAssignment {
            group: name.parse().unwrap(),
            epoch: Epoch(epoch),
            owner_set: vec!["bts1".parse().unwrap()].into(),
            resources: vec![serde_json::from_value(resource.clone()).unwrap()].into(),
        };
        let timers = LeaseTimers::from(&settings());
        let assignment =
            WireAssignment(Assignment { timers, groups: groups.iter().map(group).collect(), ..Assignment::default() });
        let request = AssignmentRequest { order: self.order(), grant: self.grant(), decision, assignment };
        let answer = timeout(Duration::from_secs(5), self.machine.assign(request)).await;
        answer.unwrap_or_else(|_| Err(AgentError::Unreachable("late".to_owned())))
    }

    pub async fn observe(&self) -> Result<Observation, AgentError> {
        self.ask(None, None).await
    }

    /// What differs from `known`, or after so many ms the same.
    pub async fn news(&self, known: Revision, wait_ms: u64) -> Result<Observation, AgentError> {
        self.ask(Some(known), Some(wait_ms)).await
    }

    async fn ask(&self, after: Option<Revision>, wait_ms: Option<u64>) -> Result<Observation, AgentError> {
        let Order { cluster_id, cluster, node, reign, term } = self.order();
        self.machine.observe(ObservationQuery { cluster_id, cluster, node, reign, term, after, wait_ms }).await
    }

    pub async fn pid(&self) -> Option<u32> {
        self.observe().await.unwrap().groups.first()?.resources.first()?.pid
    }

    /// Renews the lease until what is assigned has had the time to be online, and checks that it is.
    pub async fn online(&self) {
        self.beat(Duration::from_secs(1)).await;
        let observation = self.observe().await.unwrap();
        assert!(!observation.groups.is_empty());
        for group in observation.groups {
            assert_eq!(group.state, GroupState::Online, "{}", self.scribe.story());
        }
        assert!(!self.machine.running().is_empty());
    }

    /// Nothing runs past its lease, whatever became of anyone.
    pub fn check_lease(&self) {
        let late = self.clock.ticks() >= self.lease_ends() && !self.machine.running().is_empty();
        assert!(!late, "something runs past its lease:\n{}", self.scribe.story());
    }

    /// An agent that says that nothing of a group is alive is right, and it knows under which epoch it runs.
    pub fn check_truth(&self, said: &Observation) {
        for (key, epoch) in self.machine.running() {
            let listed = match &key {
                ServiceKey::Resource { group, .. } => {
                    said.groups.iter().any(|g| g.group == *group && g.running && g.epoch == epoch)
                }
                ServiceKey::Instance { host } => said.instances.iter().any(|i| i.host == *host),
            };
            assert!(listed, "{key} runs under epoch {epoch}, {:?}\n{}", said.groups, self.scribe.story());
        }
    }
}
