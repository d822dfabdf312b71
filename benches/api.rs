//! How many calls does the API answer, and how quickly?
//!
//! `cargo bench --bench api` prints calls per second and latencies over loopback: medians of rounds, each beside a bare axum
//! handler that answers the same bytes, in the same rounds. The clients take the same cores. Writes are durable on SQLite; what
//! they do to readers is seen beside them. `-- 3` takes another number of rounds, `-- 3 PUT` only the calls with that in their name.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use locum::api::{self, Services};
use locum::board::Boards;
use locum::clock::{SystemClock, SystemIds};
use locum::domain::{
    Actor, Cause, Decision, Epoch, FailoverRecord, GroupState, NodeState, Outcome, Placement, PlacementPhase,
    ReleaseProof, Term,
};
use locum::planner::Effects;
use locum::planner::snapshot::SeenGroup;
use locum::reconciler::Nudge;
use locum::store::{Basis, Expect, Store, sql};
use locum::telemetry;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const GROUPS: usize = 100;
const NODES: usize = 10;
const FAILOVERS: usize = 50;
const CLIENTS: usize = 32;
const ROUND: Duration = Duration::from_secs(2);

/// A request to send again and again: whole, or with `{n}` for a number that goes up.
struct Call {
    name: &'static str,
    request: String,
}

/// What one round brought.
struct Spent {
    per_second: f64,
    latencies: Vec<Duration>,
    refused: u64,
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let rounds = args.next().and_then(|arg| arg.parse().ok()).unwrap_or(5);
    let only = args.next().unwrap_or_default();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(run(rounds, &only));
}

async fn run(rounds: usize, only: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("locum.db").display());
    let store: Arc<dyn Store> = Arc::new(sql::open(&url).await.expect("a database"));
    let boards = Arc::new(Boards::default());
    fill(&store, &boards).await;
    let server = serve(api::router(state(store, boards))).await;
    println!(
        "calls per second with {CLIENTS} clients, medians of {rounds} rounds of {} s; beside a bare axum handler with the",
        ROUND.as_secs()
    );
    println!("same bytes in the same rounds; {GROUPS} groups on {NODES} nodes\n");
    println!(
        "{:<28}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}",
        "", "calls/s", "p50 ms", "p99 ms", "bare", "ratio", "refused"
    );
    let etag = one(server, &get("/v1/clusters/c/status", "")).await.etag;
    let reads = [
        Call { name: "GET status", request: get("/v1/clusters/c/status", "") },
        Call { name: "GET status, 304", request: get("/v1/clusters/c/status", &format!("if-none-match: {etag}\r\n")) },
        Call { name: "GET 50 failovers", request: get("/v1/clusters/c/failovers", "") },
    ];
    for call in reads.iter().filter(|call| call.name.contains(only)) {
        let bare = serve(same_as(one(server, &call.request).await)).await;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(load(server, CLIENTS, &call.request).await);
            theirs.push(load(bare, CLIENTS, &call.request).await);
        }
        row(call.name, ours, Some(theirs));
    }
    let body = json!({ "failover": { "max_failovers": "{n}" }, "resources": resources() });
    let body = body.to_string().replace("\"{n}\"", "{n}");
    let put = Call { name: "PUT a group, durable", request: write("PUT", "/v1/clusters/c/groups/g{c}", &body) };
    let action = Call { name: "POST a move, durable", request: write("POST", "/v1/clusters/c/groups/g{c}/move", "{}") };
    let bare = serve(same_as(one(server, &reads[0].request).await)).await;
    for call in [put, action].into_iter().filter(|call| call.name.contains(only)) {
        let (mut spent, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            spent.push(load(server, CLIENTS, &call.request).await);
            // One who polls, while as many as can be write; then the same beside the bare handler.
            let read = &reads[0].request;
            ours.push(tokio::join!(load(server, CLIENTS, &call.request), load(server, 1, read)).1);
            theirs.push(tokio::join!(load(server, CLIENTS, &call.request), load(bare, 1, read)).1);
        }
        row(call.name, spent, None);
        row("  one GET status meanwhile", ours, Some(theirs));
    }
}

fn row(name: &str, ours: Vec<Spent>, bare: Option<Vec<Spent>>) {
    let refused: u64 = ours.iter().map(|spent| spent.refused).sum();
    let rate = |all: &[Spent]| median(all.iter().map(|spent| spent.per_second).collect());
    let (rate_of_ours, rate_of_bare) = (rate(&ours), bare.as_deref().map(rate));
    let mut latencies: Vec<Duration> = ours.into_iter().flat_map(|spent| spent.latencies).collect();
    latencies.sort();
    let at = |share: usize| latencies.get(latencies.len() * share / 100).map_or(0.0, |d| d.as_secs_f64() * 1e3);
    let bare = rate_of_bare
        .map_or_else(|| format!("{:>10}{:>10}", "-", "-"), |bare| format!("{bare:>10.0}{:>10.2}", rate_of_ours / bare));
    println!("{name:<28}{rate_of_ours:>10.0}{:>10.2}{:>10.2}{bare}{refused:>9}", at(50), at(99));
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{more}\r\n")
}

/// With the length of a body in which `{n}` is three digits.
fn write(method: &str, path: &str, body: &str) -> String {
    let length = body.replace("{n}", "100").len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// So many clients ask for one round.
async fn load(server: SocketAddr, clients: usize, request: &str) -> Spent {
    let until = Instant::now() + ROUND;
    let count = Arc::new(AtomicU64::new(0));
    let clients = (0..clients).map(|client| {
        let (request, count) = (request.replace("{c}", &client.to_string()), count.clone());
        tokio::spawn(async move {
            let mut connection = Connection::open(server).await;
            let (mut latencies, mut refused) = (Vec::new(), 0);
            while Instant::now() < until {
                let number = 100 + count.fetch_add(1, Ordering::Relaxed) % 900;
                let begun = Instant::now();
                let answer = connection.ask(&request.replace("{n}", &number.to_string())).await;
                latencies.push(begun.elapsed());
                refused += u64::from(answer.status >= 400);
            }
            (latencies, refused)
        })
    });
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for client in clients.collect::<Vec<_>>() {
        let (some, no) = client.await.expect("a client");
        latencies.extend(some);
        refused += no;
    }
    let per_second = latencies.len() as f64 / ROUND.as_secs_f64();
    Spent { per_second, latencies, refused }
}

/// An answer, as far as the benchmark needs it.
struct Answer {
    status: u16,
    etag: String,
    content_type: String,
    body: Vec<u8>,
}

async fn one(server: SocketAddr, request: &str) -> Answer {
    Connection::open(server).await.ask(request).await
}

/// A client that does as little as can be done.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, buffer: Vec::new() }
    }

    async fn ask(&mut self, request: &str) -> Answer {
        self.stream.write_all(request.as_bytes()).await.expect("sent");
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end]).expect("a head");
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let value = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next();
            value.unwrap_or_default().to_owned()
        };
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let (etag, content_type) = (field("etag"), field("content-type"));
        let length: usize = field("content-length").parse().unwrap_or(0);
        while self.buffer.len() < head_end + length {
            self.more().await;
        }
        let body = self.buffer[head_end..head_end + length].to_vec();
        self.buffer.drain(..head_end + length);
        Answer { status, etag, content_type, body }
    }

    async fn more(&mut self) {
        self.buffer.reserve(64 * 1024);
        let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
    }
}

/// The same answer without anything behind it.
fn same_as(answer: Answer) -> Router {
    let mut headers = HeaderMap::new();
    for (name, value) in [(header::ETAG, answer.etag), (header::CONTENT_TYPE, answer.content_type)] {
        if !value.is_empty() {
            headers.insert(name, value.parse().expect("a header"));
        }
    }
    let (status, body) = (StatusCode::from_u16(answer.status).expect("a status"), Bytes::from(answer.body));
    Router::new().fallback(async move || (status, headers.clone(), body.clone()))
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

fn state(store: Arc<dyn Store>, boards: Arc<Boards>) -> Services {
    Services {
        store,
        boards,
        feeds: Arc::default(),
        lines: Arc::default(),
        nudge: Nudge::channel().0,
        clock: SystemClock::shared(),
        ids: Arc::new(SystemIds),
        metrics: telemetry::metrics(),
        stopping: CancellationToken::new(),
    }
}

fn resources() -> Vec<serde_json::Value> {
    (0..4).map(|r| json!({ "name": format!("r{r}"), "type": "process", "command": ["/opt/run"] })).collect()
}

/// A cluster in which every group is online, with a history.
async fn fill(store: &Arc<dyn Store>, boards: &Boards) {
    let node = |i: usize| json!({ "name": format!("n{i}"), "agent": format!("http://127.0.0.1:{}", 20_000 + i) });
    let resources = resources();
    let group = |g: usize| json!({ "name": format!("g{g}"), "resources": resources });
    let nodes: Vec<_> = (0..NODES).map(node).collect();
    let groups: Vec<_> = (0..GROUPS).map(group).collect();
    let spec = locum::domain::topology::parse(&json!({ "cluster": "c", "nodes": nodes, "groups": groups }));
    let (spec, now) = (spec.expect("a topology"), jiff::Timestamp::now());
    store.put_topology(&spec, Expect::Anything, &Actor("bench".into()), now).await.expect("a cluster");
    let reign = store.begin_reign(&spec.cluster, Uuid::now_v7(), (Term(0), Decision(0)), Duration::ZERO, now).await;
    let first = store.load(&spec.cluster, now).await.expect("a snapshot");
    let owner = |g: usize| spec.nodes[g % NODES].name.clone();
    let placed = |g: usize| {
        let phase = PlacementPhase::Held;
        (
            spec.groups[g].name.clone(),
            Placement { epoch: Epoch(1), last_owner: Some(owner(g)), phase, by_operator: false },
        )
    };
    let effects = Effects {
        decision: first.decision.next(),
        placements: (0..GROUPS).map(placed).collect(),
        failovers: (0..FAILOVERS).map(|g| record(&spec, g, now)).collect(),
        ..Effects::default()
    };
    let basis = Basis { generation: first.generation, decision: first.decision, reign: reign.expect("a reign").id };
    store.commit(&spec.cluster, &basis, &effects).await.expect("committed");
    let mut seen = store.load(&spec.cluster, now).await.expect("a snapshot");
    for (g, group) in spec.groups.iter().enumerate() {
        let view = seen.nodes.get_mut(&owner(g)).expect("a node");
        (view.seen.state, view.seen.answered) = (NodeState::Up, true);
        let online = SeenGroup {
            epoch: Epoch(1),
            state: GroupState::Online,
            running: true,
            begun_at: Some(now),
            online_at: Some(now),
            failure: None,
            resources: Vec::new(),
        };
        view.seen.groups.insert(group.name.clone(), online);
    }
    boards.publish(seen);
}

fn record(spec: &locum::domain::TopologySpec, g: usize, now: jiff::Timestamp) -> FailoverRecord {
    FailoverRecord {
        id: Uuid::now_v7(),
        cluster: spec.cluster.clone(),
        group: spec.groups[g].name.clone(),
        cause: Cause::NodeLost,
        actor: Actor("locum".into()),
        reason: "n0 was lost".into(),
        from: Some(spec.nodes[0].name.clone()),
        to: Some(spec.nodes[1].name.clone()),
        epoch: Some(Epoch(1)),
        release_proof: Some(ReleaseProof::LeaseExpired),
        release_evidence: Some("the last lease of n0 has passed".into()),
        outcome: Outcome::Succeeded,
        detected_at: now,
        released_at: Some(now),
        start_begun_at: Some(now),
        online_at: Some(now),
        phases_ms: [("release".to_owned(), 5650), ("place".to_owned(), 12), ("start".to_owned(), 300)].into(),
        max_overlap_ms: 0,
        steps: Vec::new(),
        verdicts: spec.nodes.iter().map(|node| (node.name.clone(), "could take it".to_owned())).collect(),
        decision: Decision(2),
        acknowledged_by: None,
        acknowledged_at: None,
        comment: None,
    }
}
