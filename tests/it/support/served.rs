//! The API on a real socket over a real database, under a clock that the test moves; what is seen is what the test says.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use locum::api::{self, Services};
use locum::board::Boards;
use locum::clock::{Clock as _, SystemIds};
use locum::domain::{EventKind, NewEvent, NodeState};
use locum::reconciler::Nudge;
use locum::server::connections::{self, Limits};
use locum::store::sql::{self, SqlStore};
use locum::store::{Expect, Store as _};
use locum::telemetry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::hand_clock::HandClock;
use super::{alice, at, cluster, node, three_nodes};

pub struct Served {
    pub address: SocketAddr,
    pub clock: Arc<HandClock>,
    pub boards: Arc<Boards>,
    store: Arc<SqlStore>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Served {
    /// With the cluster of `three_nodes`, whose database is in `folder`: the one of an earlier server, if there was one.
    pub async fn start(folder: &Path, clock: Arc<HandClock>, limits: Limits) -> Self {
        let store = sql::open(&format!("sqlite:{}", folder.join("locum.db").display())).await.unwrap();
        if store.clusters().await.unwrap().is_empty() {
            store.put_topology(&three_nodes(), Expect::Absent, &alice(), at(0)).await.unwrap();
        }
        let (store, boards, stop) = (Arc::new(store), Arc::new(Boards::default()), CancellationToken::new());
        let state = Services {
            store: store.clone(),
            boards: boards.clone(),
            feeds: Arc::default(),
            lines: Arc::default(),
            nudge: Nudge::channel().0,
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            metrics: telemetry::metrics(),
            stopping: stop.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(connections::serve(listener, api::router(state), limits, stop.clone()));
        let served = Self { address, clock, boards, store, stop, serving };
        served.look(NodeState::Up).await;
        served
    }

    /// Shows the cluster with bts1 in this state.
    pub async fn look(&self, state: NodeState) {
        let mut snapshot = self.store.load(&cluster(), self.clock.now()).await.unwrap();
        snapshot.nodes.get_mut(&node("bts1")).unwrap().seen.state = state;
        self.boards.publish(snapshot);
    }

    /// So many more events, and something new to see, so that they are looked for.
    pub async fn happen(&self, how_many: usize, message: &str) {
        let (kind, subject, message) = (EventKind::NodeUp, "bts1".to_owned(), message.to_owned());
        let event = NewEvent { at: self.clock.now(), kind, subject, message };
        self.store.append_events(&cluster(), &vec![event; how_many]).await.unwrap();
        let before = self.boards.view(&cluster()).unwrap().status.nodes[0].state;
        self.look(if before == NodeState::Up { NodeState::Down } else { NodeState::Up }).await;
    }

    /// Ends as a server does.
    pub async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.store.close().await;
    }
}
