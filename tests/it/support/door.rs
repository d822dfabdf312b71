//! The API's router over a real database, called without a socket; what is seen of the cluster is what the test says.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use locum::api::{self, Services};
use locum::board::Boards;
use locum::clock::{Clock, SystemClock, SystemIds};
use locum::domain::{NodeState, ResourceType};
use locum::planner::Snapshot;
use locum::reconciler::Nudge;
use locum::store::{Store, sql};
use locum::telemetry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::cluster;

pub struct Door {
    pub store: Arc<dyn Store>,
    pub boards: Arc<Boards>,
    router: axum::Router,
    _folder: Option<tempfile::TempDir>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    headers: HeaderMap,
    pub json: Value,
    pub text: String,
}

impl Seen {
    pub fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that it was accepted, and gives what was answered.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json
    }

    /// Checks that it is a problem of this status and type, and gives its sentence.
    pub fn refused(self, status: u16, kind: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert!(self.json["type"].as_str().unwrap().ends_with(&format!("/{kind}")), "{self:?}");
        self.json["detail"].as_str().unwrap().to_owned()
    }

    /// Pointer and code of every finding of a document that is not valid.
    pub fn findings(self) -> Vec<(String, String)> {
        assert_eq!(self.status, 422, "{self:?}");
        let text = |error: &Value, field: &str| error[field].as_str().unwrap().to_owned();
        let errors = self.json["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
    }
}

impl Door {
    /// With the cluster `c` of this document, of which everything was looked at and every node answers.
    pub async fn with(document: &Value) -> Self {
        Self::by(document, SystemClock::shared()).await
    }

    /// The same by a clock of the test's own.
    pub async fn by(document: &Value, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sql::open(&format!("sqlite:{}", folder.path().join("locum.db").display())).await.unwrap();
        Self { _folder: Some(folder), ..Self::over(Arc::new(store), clock, document).await }
    }

    /// Likewise, over another store and by another clock.
    pub async fn over(store: Arc<dyn Store>, clock: Arc<dyn Clock>, document: &Value) -> Self {
        let (boards, nudge) = (Arc::new(Boards::default()), Nudge::channel().0);
        let router = api::router(Services {
            store: store.clone(),
            boards: boards.clone(),
            feeds: Arc::default(),
            lines: Arc::default(),
            nudge,
            clock,
            ids: Arc::new(SystemIds),
            metrics: telemetry::metrics(),
            stopping: CancellationToken::new(),
        });
        let door = Self { store, boards, router, _folder: None };
        door.put("topology", document).await.ok();
        door.look(|_| {}).await;
        door
    }

    /// Looks at what is stored, with every node up and what `see` adds.
    pub async fn look(&self, see: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = self.store.load(&cluster(), jiff::Timestamp::now()).await.unwrap();
        for node in snapshot.nodes.values_mut() {
            node.seen.state = NodeState::Up;
            node.seen.answered = true;
            node.seen.drivers = BTreeSet::from([ResourceType::Process, ResourceType::Systemd, ResourceType::Ocf]);
        }
        see(&mut snapshot);
        self.boards.publish(snapshot);
    }

    /// The answer as it comes. `path` is from the root, or below the cluster; one that is only a query is the cluster's own.
    pub async fn response(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Response<Body> {
        let below = || format!("/v1/clusters/c/{path}").replace("/?", "?").trim_end_matches('/').to_owned();
        let path = if path.starts_with('/') { path.to_owned() } else { below() };
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    /// The answer, read to its end.
    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Seen {
        let response = self.response(method, path, headers, body).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Seen { status, headers, json: serde_json::from_slice(&bytes).unwrap_or(Value::Null), text }
    }

    /// A GET from the root.
    pub async fn at(&self, path: &str) -> Seen {
        self.get(path).await
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.call("GET", path, &[], None).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Seen {
        self.call("PUT", path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Seen {
        self.call("PATCH", path, &[], Some(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Seen {
        self.call("POST", path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Seen {
        self.call("DELETE", path, &[], None).await
    }

    /// The newest change: who, what, in words.
    pub async fn newest_change(&self) -> (String, String) {
        let page = self.get("changes?limit=1").await.ok();
        let text = |field: &str| page["items"][0][field].as_str().unwrap().to_owned();
        (text("action"), text("message"))
    }
}

/// Cluster `c`: three nodes of one group of servers, the group `ftp` with an address and a name, and a receive host that
/// runs on two nodes, with its handler.
pub fn site() -> Value {
    let node = |number: u16| {
        let software = json!({ "edition": "enterprise", "group": "production" });
        json!({ "name": format!("bts{number}"), "agent": format!("http://127.0.0.1:{}", 7440 + number), "software": software })
    };
    let ocf =
        |name: &str, agent: &str, class: &str| json!({ "name": name, "type": "ocf", "agent": agent, "class": class });
    let run = json!({ "type": "process", "command": ["/opt/receive/run"] });
    json!({
        "cluster": "c",
        "nodes": [node(1), node(2), node(3)],
        "groups": [{ "name": "ftp", "preferred_owners": ["bts1"], "resources": [
            ocf("ip", "heartbeat:IPaddr2", "ip_address"), ocf("name", "heartbeat:dnsupdate", "network_name"),
        ] }],
        "hosts": [
            { "name": "Receive", "instances": [{ "node": "bts1" }, { "node": "bts2" }], "run": run },
            { "name": "Tracking", "tracking": true, "instances": [{ "node": "bts1" }, { "node": "bts2" }], "run": run },
        ],
        "handlers": [{ "name": "file-in", "adapter": "file", "direction": "receive", "host": "Receive" }],
        "common_dependencies": [{ "name": "messages", "kind": "database" }],
    })
}
