//! Stories of messages that are late, doubled, out of order or nonsense.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::site::{CLUSTER, GROUP, NODES, Site};

/// A proxy before an agent that forwards what it gets once now and, while it is bad, again later and out of order.
#[derive(Clone)]
struct Proxy {
    http: reqwest::Client,
    agent: String,
    bad: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
}

impl Proxy {
    async fn start(agent_port: u16, bad: Arc<AtomicBool>) -> String {
        let proxy = Self {
            http: reqwest::Client::new(),
            agent: format!("http://127.0.0.1:{agent_port}"),
            bad,
            count: Arc::default(),
        };
        serve(Router::new().fallback(forward).with_state(proxy)).await
    }

    async fn send(&self, method: Method, uri: &Uri, body: Bytes) -> Result<Response, reqwest::Error> {
        let request = self.http.request(method, format!("{}{uri}", self.agent)).body(body);
        let answer = request.header("content-type", "application/json").send().await?;
        let status = answer.status();
        let kind = answer.headers().get("content-type").cloned();
        let mut response = Response::new(Body::from(answer.bytes().await?));
        *response.status_mut() = status;
        if let Some(kind) = kind {
            response.headers_mut().insert("content-type", kind);
        }
        Ok(response)
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    if proxy.bad.load(Ordering::Relaxed) && parts.method != Method::GET {
        let count = proxy.count.fetch_add(1, Ordering::Relaxed);
        // Each order arrives a second time after up to eight seconds, long after newer ones and past its lease.
        let late = Duration::from_millis(count * 977 % 8_000);
        let (again, method, uri, body) = (proxy.clone(), parts.method.clone(), parts.uri.clone(), body.clone());
        tokio::spawn(async move {
            tokio::time::sleep(late).await;
            let _ = again.send(method, &uri, body).await;
        });
        // And the first copy is late too, now and then by more than a heartbeat.
        tokio::time::sleep(Duration::from_millis(count * 37 % 150)).await;
    }
    match proxy.send(parts.method, &parts.uri, body).await {
        Ok(response) => response,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn late_doubled_and_reordered_orders_never_make_two() {
    let mut site = Site::bare();
    let bad = Arc::new(AtomicBool::new(false));
    let mut topology = site.topology();
    for (index, port) in site.agent_ports.clone().into_iter().enumerate() {
        topology["nodes"][index]["agent"] = json!(Proxy::start(port, bad.clone()).await);
    }
    site.start_server().await;
    for index in 0..NODES.len() {
        site.start_agent(index);
    }
    site.apply(&topology).await;
    site.wait_online(GROUP).await;
    bad.store(true, Ordering::Relaxed);
    for turn in 0..6 {
        let owner = site.owner().await;
        if turn % 2 == 0 {
            site.act(&format!("groups/{GROUP}/move"), json!({})).await.expect("an answer");
            site.wait_online_elsewhere(owner).await;
        } else {
            site.kill_agent(owner);
            site.wait_online_elsewhere(owner).await;
            site.start_agent(owner);
            site.until("the node is up again", async |s| {
                s.node(NODES[owner]).await.is_some_and(|n| n["state"] == "up")
            })
            .await;
        }
        site.wait_online(GROUP).await;
    }
    bad.store(false, Ordering::Relaxed);
    site.check_exactly_one().await;
}

#[tokio::test]
async fn an_agent_that_answers_garbage_is_named_and_the_rest_goes_on() {
    let garbage = serve(Router::new().fallback(|| async { "<html>It works!</html>" })).await;
    one_bad_agent(&garbage, "not a Locum agent").await;
}

#[tokio::test]
async fn an_agent_that_hangs_is_named_and_the_rest_goes_on() {
    let hanging = serve(Router::new().fallback(|| async { std::future::pending::<StatusCode>().await })).await;
    one_bad_agent(&hanging, "no answer from").await;
}

async fn one_bad_agent(url: &str, says: &str) {
    let mut site = Site::bare();
    let mut topology = site.topology();
    topology["nodes"][0]["agent"] = json!(url);
    site.start_server().await;
    site.start_agent(1);
    site.start_agent(2);
    site.apply(&topology).await;
    site.wait_online(GROUP).await;
    assert_ne!(site.owner().await, 0);
    site.until("the bad agent is named", async |s| {
        s.node(NODES[0])
            .await
            .is_some_and(|n| n["state"] != "up" && n["problem"].as_str().is_some_and(|p| p.contains(says)))
    })
    .await;
    // The rest still fails over.
    let owner = site.owner().await;
    site.kill_agent(owner);
    site.wait_online_elsewhere(owner).await;
    site.check_exactly_one().await;
}

#[tokio::test]
async fn an_agent_under_another_name_is_named_in_the_status() {
    let mut site = Site::bare();
    let mut topology = site.topology();
    // The address of bts2 is given for bts1 by way of a proxy: two nodes with one address would be refused at once.
    topology["nodes"][0]["agent"] = json!(Proxy::start(site.agent_ports[1], Arc::default()).await);
    site.start_server().await;
    site.start_agent(1);
    site.start_agent(2);
    site.apply(&topology).await;
    site.wait_online(GROUP).await;
    site.until("the mistake is named", async |s| {
        s.node(NODES[0])
            .await
            .is_some_and(|n| n["problem"].as_str().is_some_and(|p| p.contains("bts2") && p.contains("bts1")))
    })
    .await;
    site.check_exactly_one().await;
}

#[tokio::test]
async fn a_new_address_of_an_owner_is_named_before_it_may_disturb() {
    let site = Site::start().await;
    let owner = site.owner().await;
    let mut edited = site.topology();
    edited["nodes"][owner]["agent"] = json!(format!("http://localhost:{}", site.agent_ports[owner]));
    let url = site.url(&format!("/v1/clusters/{CLUSTER}/topology?dry_run=true"));
    let answer = site.http.put(url).json(&edited).send().await.expect("the server answers");
    let plan: Value = answer.json().await.expect("a plan");
    assert_eq!(plan["summary"]["disturbs"], true, "{plan}");
    let reason = plan["summary"]["lines"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("if another agent answers there"), "{reason}");
    // The same agent under another name of its machine: nothing happens to what runs.
    let pid = site.service_pid().await;
    site.apply(&edited).await;
    site.until("the new address is in use", async |s| {
        s.node(NODES[owner]).await.is_some_and(|n| n["agent"] == edited["nodes"][owner]["agent"] && n["state"] == "up")
    })
    .await;
    site.wait_online(GROUP).await;
    assert_eq!(site.service_pid().await, pid);
    site.check_exactly_one().await;
}
