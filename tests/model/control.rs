//! What does a control plane grant, believe and decide?

use super::bounds::{Bounds, Timers};
use super::rules::{Rule, Rules};
use super::state::{Account, Answer, Content, Control, Database, Echo, NODES, Node, Phase, Seen, has};

/// How long after the receipt of a stamp a lease on it has passed, by the control plane's clock.
pub fn wait(timers: &Timers, rules: Rules) -> u8 {
    let ttl = if rules.hold(Rule::DriftIsCounted) { timers.stretch(timers.ttl) } else { timers.ttl };
    ttl + if rules.hold(Rule::TheControlPlanesMargin) { timers.margin } else { 0 }
}

impl Account {
    /// A node of which a new reign knows nothing.
    pub fn unheard(timers: &Timers, rules: Rules) -> Self {
        let bound = if rules.hold(Rule::EarlierReignsAreCounted) { wait(timers, rules) } else { 0 };
        Self { bound, ..Self::default() }
    }

    /// The grant to send now, if there is one; it counts as given.
    pub fn grant(&mut self, timers: &Timers, rules: Rules) -> Option<(u8, Content, Echo)> {
        let (decision, content) = self.naming?;
        let left = wait(timers, rules).saturating_sub(self.since);
        if self.down || self.echo == Echo::None || left == 0 {
            return None;
        }
        if rules.hold(Rule::GrantsAreCounted) {
            self.bound = self.bound.max(left);
        }
        Some((decision, content, self.echo))
    }

    pub fn hear(&mut self, answer: &Answer) {
        (self.echo, self.since, self.down, self.confirmed) = (answer.echo, 0, false, false);
        self.seen = Some(answer.seen);
    }

    /// Nothing of what it was granted is left: it is down, and no decision from before grants anything.
    pub fn lapse(&mut self, rules: Rules) {
        self.down = true;
        self.seen = None;
        if rules.hold(Rule::ALapseEndsTheDecision) {
            self.naming = None;
        }
    }
}

impl Control {
    pub fn new(bond: super::state::Bond, timers: &Timers, rules: Rules) -> Self {
        Self { bond, accounts: [Account::unheard(timers, rules); NODES] }
    }

    /// Takes up at once what is stored, for every node that it may.
    pub fn take_up(&mut self, database: &Database, rules: Rules) {
        for node in 0..NODES {
            if let Some(decided) = self.decide(node, database, rules) {
                self.accounts[node].naming = Some(decided);
            }
        }
    }

    /// Whether every node has answered under this reign, or runs nothing.
    fn knows_everyone(&self) -> bool {
        self.accounts.iter().all(|account| account.seen.is_some() || account.down)
    }

    /// What grants to `node` are to name from now on, by what is stored.
    pub fn decide(&self, node: Node, database: &Database, rules: Rules) -> Option<(u8, Content)> {
        let account = &self.accounts[node];
        let content = database.content(node);
        let young = rules.hold(Rule::AYoungReignChangesNothing) && !self.knows_everyone();
        let changes = account.seen.is_none_or(|seen| changes_anything(content, seen));
        if account.down || young && changes || self.is_outdone(node, content, rules) {
            return None;
        }
        Some((database.at[node], content))
    }

    /// Whether another node has the group under a higher epoch: a plan takes it away first.
    fn is_outdone(&self, node: Node, content: Content, rules: Rules) -> bool {
        let Content::Run { epoch, .. } = content else { return false };
        let higher = |seen: Seen| seen.holds.is_some_and(|holds| holds > epoch);
        let mut others = (0..NODES).filter(|other| *other != node).filter_map(|other| self.accounts[other].seen);
        rules.hold(Rule::AHigherEpochElsewhereIsHeeded) && others.any(higher)
    }

    /// Whether the owner is known to have stopped.
    pub fn has_proof(&self, database: &Database, bounds: &Bounds, rules: Rules) -> bool {
        let Some(owner) = database.owner() else { return false };
        let account = &self.accounts[owner];
        self.is_silenced(owner, database, (bounds, rules)) || acknowledged(account, database, rules)
    }

    /// The owner is down, and with peer hold the one that takes over has seen to it that no hold goes on.
    fn is_silenced(&self, owner: Node, database: &Database, (bounds, rules): (&Bounds, Rules)) -> bool {
        if !rules.hold(Rule::ReleaseNeedsAProof) {
            return true;
        }
        // When the owner sets are edited the target may have left one that the owner lives on: then its claim is void.
        let claimed = database.claim.is_some_and(|(target, decision)| {
            let counts = has(database.common & database.set, usize::from(target));
            let account = &self.accounts[usize::from(target)];
            account.seen.is_some_and(|seen| {
                counts && seen.applied >= decision && (seen.free || !rules.hold(Rule::ClaimsWaitForPromises))
            })
        });
        let account = &self.accounts[owner];
        let alone = !bounds.peer_hold || account.confirmed || !rules.hold(Rule::TakeoverClaimsTheTarget);
        account.down && (alone || claimed)
    }

    /// Whether the group may be placed on `target`: nobody may run it, and the target answers.
    pub fn may_place(&self, target: Node, database: &Database, rules: Rules) -> bool {
        let quiet = |account: &Account| account.down || account.seen.is_some_and(|seen| seen.holds.is_none());
        let everyone = !rules.hold(Rule::EveryoneIsHeardBeforeAStart) || self.accounts.iter().all(quiet);
        let account = &self.accounts[target];
        has(database.set, target) && everyone && account.seen.is_some() && !account.down
    }

    /// Above everything stored or heard of.
    pub fn next_epoch(&self, database: &Database) -> u8 {
        let heard = self.accounts.iter().filter_map(|account| account.seen).map(|seen| seen.top).max();
        heard.unwrap_or(0).max(database.epoch) + 1
    }
}

/// Whether the node would start or stop anything.
fn changes_anything(content: Content, seen: Seen) -> bool {
    match content {
        Content::Run { epoch, .. } => seen.running.is_none_or(|running| running < epoch),
        Content::Nothing | Content::Claim { .. } => seen.running.is_some(),
    }
}

/// The owner has applied the decision that takes the group away, and reports it stopped.
fn acknowledged(account: &Account, database: &Database, rules: Rules) -> bool {
    let (Phase::Releasing { decision }, Some(seen)) = (database.phase, account.seen) else { return false };
    let told = seen.applied >= decision || !rules.hold(Rule::AcknowledgedByThatDecision);
    let stopped = seen.running.is_none() || !rules.hold(Rule::AcknowledgedAsStopped);
    !account.down && told && stopped
}

impl Database {
    /// Counts a decision, which changes what `nodes` are assigned.
    fn count(&mut self, nodes: impl IntoIterator<Item = Node>) -> u8 {
        self.decision += 1;
        for node in nodes {
            self.at[node] = self.decision;
        }
        self.decision
    }

    fn claimed(&self) -> Option<Node> {
        self.claim.map(|(target, _)| usize::from(target))
    }

    /// The owner is told to let go.
    pub fn release(&mut self) {
        let decision = self.count([usize::from(self.owner)]);
        self.phase = Phase::Releasing { decision };
    }

    /// The old owner is proven to have stopped.
    pub fn free(&mut self) {
        let touched = (self.phase == Phase::Held).then_some(usize::from(self.owner));
        let claimed = self.claimed();
        self.count(touched.into_iter().chain(claimed));
        (self.phase, self.claim) = (Phase::Released, None);
    }

    pub fn place(&mut self, target: Node, epoch: u8) {
        let old = (self.phase == Phase::Held).then_some(usize::from(self.owner));
        let claimed = self.claimed();
        self.count(old.into_iter().chain(claimed).chain([target]));
        self.claim = None;
        self.settle(target, epoch);
    }

    /// What runs on `node` is what was meant: the store learns of it.
    pub fn adopt(&mut self, node: Node, epoch: u8) {
        self.count([node]);
        self.settle(node, epoch);
    }

    fn settle(&mut self, node: Node, epoch: u8) {
        self.phase = Phase::Held;
        (self.owner, self.epoch, self.common) = (u8::try_from(node).unwrap(), epoch, self.set);
    }

    pub fn claim(&mut self, target: Node) {
        let decision = self.count([target]);
        self.claim = Some((u8::try_from(target).unwrap(), decision));
    }

    pub fn withdraw(&mut self) {
        let claimed = self.claimed();
        self.count(claimed);
        self.claim = None;
    }

    pub fn edit(&mut self, set: u8, rules: Rules) {
        let owner = (self.phase == Phase::Held).then_some(usize::from(self.owner));
        self.count(owner);
        self.set = set;
        if rules.hold(Rule::TargetsAreInEveryOwnerSet) {
            self.common &= set;
        }
    }
}
