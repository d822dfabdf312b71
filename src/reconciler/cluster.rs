//! What is one turn of a cluster's loop, and when is the next?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::account::{Account, Moment};
use super::{Deps, STORE_RETRY, node};
use crate::domain::{ClusterName, Decision, NodeName, Term, Ticks};
use crate::planner::replay::KeptPlan;
use crate::planner::{self, Snapshot};
use crate::store::{Basis, Error as StoreError, Reign};

/// A look without any reason, in case a nudge was missed.
const PERIOD: Duration = Duration::from_secs(10);

/// Turns that follow at once because the last one committed something. A plan that never settles is a defect: it is
/// said in the log, and the loop goes on at the pace of its period.
const MAX_TURNS_IN_A_ROW: u32 = 32;

/// Why the loop of a reign ended.
enum Ended {
    Shutdown,
    /// The cluster is no longer stored.
    Gone,
    /// The store did not give the cluster.
    Unread,
    /// Another cluster has taken the name: what this reign left is bound to the one that is gone, in which nothing ran.
    Replaced,
    /// Agents know a higher term or decision, and may hold leases granted under it, as long as this one's.
    Outranked {
        term: Term,
        decision: Decision,
        lease: Duration,
    },
}

/// How a turn went.
enum Turn {
    /// All is as wanted, or waits; look again then at the latest.
    Settled(Option<Ticks>),
    /// Something was committed: look at once.
    Committed,
    /// The store failed or somebody else was quicker: look again soon.
    Again,
    Ended(Ended),
}

/// Reigns over a cluster until it is gone or `shutdown`.
pub(super) async fn run(deps: Deps, cluster: ClusterName, waker: Arc<Notify>, shutdown: CancellationToken) {
    let mut above = (Term::default(), Decision::default());
    let mut longest = Duration::ZERO;
    while let Some(reign) = begin(&deps, &cluster, above, longest, &shutdown).await {
        let reigning = shutdown.child_token();
        let ended = reign_over(&deps, &cluster, reign, &waker, &reigning).await;
        reigning.cancel();
        match ended {
            Ended::Shutdown | Ended::Gone => return,
            Ended::Unread => deps.clock.sleep(STORE_RETRY).await,
            Ended::Replaced => (above, longest) = Default::default(),
            Ended::Outranked { term, decision, lease } => {
                tracing::warn!(%cluster, %term, %decision, "agents have heard of more than is stored: beginning a reign above it");
                above = (term.next(), decision.next());
                longest = lease;
            }
        }
    }
}

async fn reign_over(
    deps: &Deps,
    cluster: &ClusterName,
    reign: Reign,
    waker: &Notify,
    reigning: &CancellationToken,
) -> Ended {
    let wall = deps.clock.now();
    tracing::info!(%cluster, term = reign.term.0, "a reign begins");
    match deps.store.load(cluster, wall).await {
        // Taken by another cluster since, or restored: nobody was told anything of this reign.
        Ok(first) if first.term < reign.term => Ended::Unread,
        Ok(first) => {
            // Grants of an earlier reign were all sent before this moment.
            let began = Moment { ticks: deps.clock.ticks(), wall };
            let account = Arc::new(Account::new(cluster.clone(), reign, began, &first.settings));
            let nodes = BTreeMap::new();
            let mut own = Loop { deps: deps.clone(), cluster: cluster.clone(), account, nodes };
            // Ordering: nodes are asked from the moment on at which they could answer. A database that takes its time with
            // the first turn must not be taken for the silence of all of them.
            own.account.track(&first);
            own.talk_to(&first, reigning);
            own.run(waker, reigning).await
        }
        Err(StoreError::NotFound { .. }) => Ended::Gone,
        Err(error) => {
            tracing::error!(%cluster, %error, "the cluster could not be loaded");
            Ended::Unread
        }
    }
}

async fn begin(
    deps: &Deps,
    cluster: &ClusterName,
    above: (Term, Decision),
    longest: Duration,
    shutdown: &CancellationToken,
) -> Option<Reign> {
    loop {
        match deps.store.begin_reign(cluster, deps.ids.next_id(), above, longest, deps.clock.now()).await {
            Ok(reign) => return Some(reign),
            Err(StoreError::NotFound { .. }) => return None,
            Err(error) => tracing::error!(%cluster, %error, "no reign could begin"),
        }
        tokio::select! {
            biased; // nothing more is tried once it is over
            () = shutdown.cancelled() => return None,
            () = deps.clock.sleep(STORE_RETRY) => {}
        }
    }
}

struct Loop {
    deps: Deps,
    cluster: ClusterName,
    account: Arc<Account>,
    /// The nodes that are talked to, with the address and heartbeat that their tasks use.
    nodes: BTreeMap<NodeName, (node::Contact, CancellationToken)>,
}

impl Loop {
    async fn run(mut self, waker: &Notify, reigning: &CancellationToken) -> Ended {
        let mut in_a_row = 0;
        loop {
            let next = match self.turn(reigning).await {
                Turn::Ended(ended) => return ended,
                Turn::Committed if in_a_row < MAX_TURNS_IN_A_ROW => {
                    in_a_row += 1;
                    continue;
                }
                Turn::Committed => {
                    tracing::error!(cluster = %self.cluster, "the plan does not settle");
                    self.next_look(None)
                }
                // Not by what time has changed meanwhile: nothing can be made of that before the store is read, and the loop
                // would go round in circles.
                Turn::Again => self.deps.clock.ticks().plus(STORE_RETRY),
                Turn::Settled(at) => self.next_look(at),
            };
            in_a_row = 0;
            tokio::select! {
                biased;
                // No turn is begun once it is over. The others all say to look; one that is passed over is still there
                // at the next wait.
                () = reigning.cancelled() => return Ended::Shutdown,
                () = waker.notified() => {}
                () = self.account.changed.notified() => {}
                () = self.deps.clock.sleep_until(next) => {}
            }
        }
    }

    /// When to look at the latest: when the plan asked to, when time changes a node's state, or after a while.
    fn next_look(&self, asked: Option<Ticks>) -> Ticks {
        let now = self.deps.clock.ticks();
        let latest = now.plus(PERIOD);
        [asked, self.account.next_change(now)].into_iter().flatten().fold(latest, Ticks::min)
    }

    /// Load, plan, commit, and let the nodes' tasks push.
    async fn turn(&mut self, reigning: &CancellationToken) -> Turn {
        let mut snapshot = match self.load().await {
            Ok(snapshot) => snapshot,
            Err(turn) => return turn,
        };
        // From then on nobody is asked any more: their silence is our own, and says nothing of them.
        if reigning.is_cancelled() {
            return Turn::Ended(Ended::Shutdown);
        }
        if snapshot.term < self.account.reign().term {
            // Another cluster has taken the name, or the database was restored: this reign can commit nothing any more.
            return Turn::Ended(self.forgotten().await);
        }
        if let Some((term, decision)) = self.account.outranked() {
            return Turn::Ended(Ended::Outranked { term, decision, lease: self.account.legacy().1 });
        }
        if self.account.has_outlived_strangers(self.deps.clock.ticks())
            && let Err(error) = self.deps.store.outlive_restore(&self.cluster, self.account.reign().id).await
        {
            // The next reign waits once more, in vain but safely.
            tracing::warn!(cluster = %self.cluster, %error, "that the restored database has waited could not be noted");
        }
        self.account.track(&snapshot);
        self.talk_to(&snapshot, reigning);
        let lapses = self.account.look(&mut snapshot, self.deps.clock.ticks());
        self.write_events().await;

        let plan = planner::plan(&snapshot);
        if plan.is_empty() {
            self.account.decide(&snapshot, &lapses, self.deps.clock.ticks());
            let look_again = plan.look_again_at.map(|at| self.ticks_at(&snapshot, at));
            self.deps.boards.publish(snapshot);
            return Turn::Settled(look_again);
        }
        let mut effects = planner::effects(&snapshot, &plan, &mut || self.deps.ids.next_id());
        effects.kept = KeptPlan::of(&snapshot, &plan, &effects).unwrap_or_else(|error| {
            tracing::error!(cluster = %self.cluster, %error, "a plan can't be kept for replay");
            None
        });
        let basis =
            Basis { generation: snapshot.generation, decision: snapshot.decision, reign: self.account.reign().id };
        match self.deps.store.commit(&self.cluster, &basis, &effects).await {
            Ok(()) => {}
            // Ordering: nothing was told to anyone, so a plan that was outrun is simply forgotten.
            Err(StoreError::Outrun) => return Turn::Committed,
            Err(error) => {
                tracing::error!(cluster = %self.cluster, %error, "a plan could not be committed");
                return Turn::Again;
            }
        }
        log_plan(&self.cluster, &snapshot, &plan);
        effects.apply_to(&mut snapshot);
        self.account.track(&snapshot);
        self.account.decide(&snapshot, &lapses, self.deps.clock.ticks());
        self.deps.boards.publish(snapshot);
        Turn::Committed
    }

    /// Why the store knows nothing of this reign. In a database that was restored, what this reign granted counts as if strangers had been
    /// heard of: the next one is above it, and waits for it.
    async fn forgotten(&self) -> Ended {
        let reign = self.account.reign();
        match self.deps.store.clusters().await {
            Ok(heads) if heads.iter().all(|head| head.id != reign.cluster_id) => Ended::Replaced,
            Ok(_) => {
                let (decision, lease) = self.account.legacy();
                Ended::Outranked { term: reign.term, decision, lease }
            }
            Err(error) => {
                tracing::error!(cluster = %self.cluster, %error, "it could not be read which cluster has the name");
                Ended::Unread
            }
        }
    }

    async fn load(&self) -> Result<Snapshot, Turn> {
        match self.deps.store.load(&self.cluster, self.deps.clock.now()).await {
            Ok(snapshot) => Ok(snapshot),
            Err(StoreError::NotFound { .. }) => Err(Turn::Ended(Ended::Gone)),
            Err(error) => {
                tracing::error!(cluster = %self.cluster, %error, "the cluster could not be loaded");
                Err(Turn::Again)
            }
        }
    }

    /// Starts the tasks of new nodes, and ends those of nodes that are gone, moved, or beat at another pace.
    fn talk_to(&mut self, snapshot: &Snapshot, reigning: &CancellationToken) {
        let wanted: BTreeMap<NodeName, node::Contact> = snapshot
            .nodes
            .iter()
            .map(|(name, view)| (name.clone(), node::Contact::new(&view.spec.agent, &snapshot.settings)))
            .collect();
        self.nodes.retain(|name, (contact, token)| {
            let stays = wanted.get(name) == Some(contact);
            if !stays {
                token.cancel();
            }
            stays
        });
        for (name, contact) in wanted {
            if !self.nodes.contains_key(&name) {
                let token = reigning.child_token();
                node::spawn(&self.deps, self.account.clone(), name.clone(), contact.clone(), token.clone());
                self.nodes.insert(name, (contact, token));
            }
        }
    }

    async fn write_events(&self) {
        let events = self.account.take_events();
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.deps.store.append_events(&self.cluster, &events).await {
            tracing::error!(cluster = %self.cluster, %error, "events wait to be written");
            self.account.give_back_events(events);
        }
    }

    fn ticks_at(&self, snapshot: &Snapshot, at: jiff::Timestamp) -> Ticks {
        let left = Duration::try_from(at.duration_since(snapshot.now)).unwrap_or_default();
        self.deps.clock.ticks().plus(left)
    }
}

fn log_plan(cluster: &ClusterName, snapshot: &Snapshot, plan: &planner::Plan) {
    for line in planner::summarize(snapshot, plan).lines {
        let (action, group, reason) = (line.action, &line.group, &line.reason);
        tracing::info!(%cluster, decision = snapshot.decision.0 + 1, ?action, %group, from = ?line.from, to = ?line.to, "{reason}");
    }
}
