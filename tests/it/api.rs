//! Does the API do what it says, over real HTTP on a real database?

use std::time::Duration;

use locum::server::{self, ServerConfig};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::three_nodes;

/// Nothing here takes long; what takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A control plane whose agents do not answer.
struct Api {
    url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    folder: tempfile::TempDir,
}

fn config(folder: &tempfile::TempDir, listen: &str) -> ServerConfig {
    let database_url = format!("sqlite:{}", folder.path().join("locum.db").display());
    ServerConfig { listen: listen.parse().unwrap(), database_url, insecure: false }
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    async fn to(request: RequestBuilder) -> Self {
        let response = request.timeout(PATIENCE).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().unwrap()
    }

    /// Checks that it is a problem of this status, and gives it.
    fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().starts_with("https://"), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{problem}");
        problem
    }

    /// Pointer and code of every finding.
    fn findings(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let problem = self.problem(422);
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }
}

impl Api {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bound = server::bind(config(&folder, "127.0.0.1:0")).await.unwrap();
        let url = format!("http://{}", bound.local_addr());
        let stop = CancellationToken::new();
        let running = tokio::spawn(bound.run(stop.clone()));
        Self { url, http: reqwest::Client::new(), stop, running, folder }
    }

    /// With the cluster of `three_nodes`.
    async fn with_cluster() -> Self {
        let api = Self::start().await;
        assert_eq!(api.put(&document()).await.status, StatusCode::CREATED);
        api
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(body)).await
    }

    async fn put(&self, document: &Value) -> Answer {
        Answer::to(self.request(Method::PUT, TOPOLOGY).json(document)).await
    }

    async fn put_if(&self, document: &Value, (header, value): (&str, &str)) -> Answer {
        Answer::to(self.request(Method::PUT, TOPOLOGY).header(header, value).json(document)).await
    }
}

const TOPOLOGY: &str = "/v1/clusters/c/topology";
const STATUS: &str = "/v1/clusters/c/status";

fn document() -> Value {
    serde_json::to_value(three_nodes()).unwrap()
}

/// `document` with its first group's budget changed.
fn other_document(max_failovers: u32) -> Value {
    let mut document = document();
    document["groups"][0]["failover"]["max_failovers"] = json!(max_failovers);
    document
}

#[tokio::test]
async fn a_topology_is_created_read_replaced_and_removed() {
    let api = Api::start().await;
    assert_eq!(api.get(TOPOLOGY).await.status, StatusCode::NOT_FOUND);

    let created = api.put(&document()).await;
    assert_eq!((created.status, created.header("etag")), (StatusCode::CREATED, "\"1\""));
    let result = created.json();
    assert_eq!((&result["created"], &result["generation"]), (&json!(true), &json!(1)));
    assert_eq!(result["summary"]["lines"][0]["group"], "ftp", "{result}");

    let read = api.get(TOPOLOGY).await;
    assert_eq!((read.status, read.header("etag")), (StatusCode::OK, "\"1\""));
    assert_eq!(read.json()["groups"][0]["wanted"], "online");
    let same = api.put(&read.json()).await.json();
    assert_eq!((&same["changed"], &same["generation"]), (&json!(false), &json!(1)), "what was read can be put back");

    let replaced = api.put_if(&other_document(3), ("if-match", "\"1\"")).await;
    assert_eq!((replaced.status, replaced.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(api.get("/v1/clusters").await.json()["items"][0]["name"], "c");
    assert_eq!(api.get("/v1/clusters/c").await.json()["generation"], 2);

    let gone = Answer::to(api.request(Method::DELETE, "/v1/clusters/c")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    api.get("/v1/clusters/c").await.problem(404);
}

#[tokio::test]
async fn a_writer_who_read_something_older_is_refused() {
    let api = Api::with_cluster().await;
    api.put(&other_document(3)).await;
    let late = api.put_if(&other_document(4), ("if-match", "\"1\"")).await.problem(412);
    assert!(late["detail"].as_str().unwrap().contains("the generation is 2"), "{late}");
    api.put_if(&other_document(4), ("if-none-match", "*")).await.problem(412);
    api.put_if(&other_document(4), ("if-match", "soon")).await.problem(400);
    assert_eq!(api.get(TOPOLOGY).await.header("etag"), "\"2\"", "a refused write leaves no trace");
}

#[tokio::test]
async fn a_dry_run_answers_the_plan_and_changes_nothing() {
    let api = Api::start().await;
    let dry = Answer::to(api.request(Method::PUT, "/v1/clusters/c/topology?dry_run=true").json(&document())).await;
    assert_eq!(dry.status, StatusCode::OK);
    let result = dry.json();
    assert_eq!(
        (&result["dry_run"], &result["created"], &result["generation"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert_eq!(result["summary"]["lines"][0]["action"], "start", "{result}");
    api.get(TOPOLOGY).await.problem(404);
    assert_eq!(api.get("/v1/clusters").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_document_is_refused_whole_with_every_finding() {
    let api = Api::with_cluster().await;
    let mut wrong = document();
    wrong["cluster"] = json!("d");
    wrong["groups"][0]["preferred_owners"] = json!(["bts9"]);
    wrong["groups"][0]["colour"] = json!("red");
    wrong["nodes"][1]["name"] = json!("bts1");
    let findings = api.put(&wrong).await.findings();
    let has = |pointer: &str, code: &str| {
        let found = findings.iter().any(|(at, what)| at == pointer && (code.is_empty() || what == code));
        assert!(found, "{pointer} {code} in {findings:?}");
    };
    has("/cluster", "other_cluster");
    has("/groups/0/preferred_owners/0", "dangling_reference");
    has("/groups/0/colour", "unknown_field");
    has("/nodes/1/name", "duplicate_name");
    assert_eq!(api.get(TOPOLOGY).await.header("etag"), "\"1\"");

    let broken = api.request(Method::PUT, TOPOLOGY).header("content-type", "application/json").body("{\"cluster\":");
    let problem = Answer::to(broken).await.problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("line 1"), "{problem}");
}

#[tokio::test]
async fn every_misuse_of_http_is_a_problem() {
    let api = Api::with_cluster().await;
    let empty = || api.request(Method::PUT, TOPOLOGY);
    Answer::to(empty().header("content-type", "text/yaml").body("cluster: c")).await.problem(415);
    Answer::to(empty().body("{}")).await.problem(415);
    let huge = vec![b' '; 33 * 1024 * 1024];
    Answer::to(empty().header("content-type", "application/json").body(huge)).await.problem(413);

    let wrong_method = Answer::to(api.request(Method::PATCH, TOPOLOGY)).await;
    let problem = wrong_method.problem(405);
    assert!(wrong_method.header("allow").contains("PUT"), "{wrong_method:?}");
    assert!(problem["detail"].as_str().unwrap().contains("PUT"), "{problem}");

    for missing in ["/v1/nothing", "/v1/clusters/nope", "/v1/clusters/nope/topology", "/v1/clusters/nope/status"] {
        api.get(missing).await.problem(404);
    }
    for missing in ["/v1/clusters/a%20b/status", "/v1/operations/7", "/v1/clusters/nope/failovers"] {
        api.get(missing).await.problem(404);
    }
    for wrong in ["/v1/operations?limit=0", "/v1/operations?colour=red"] {
        api.get(wrong).await.problem(400);
    }
    api.get("/v1/clusters/c/status?wait=soon").await.problem(400);
}

#[tokio::test]
async fn actions_are_operations() {
    let api = Api::with_cluster().await;
    let body = json!({ "reason": "maintenance" });
    let pause = api.request(Method::POST, "/v1/clusters/c/nodes/bts2/pause?wait=20s").json(&body);
    let paused = Answer::to(pause.header("locum-actor", "alice")).await;
    assert_eq!(paused.status, StatusCode::OK, "{}", paused.text);
    let operation = paused.json();
    assert_eq!((&operation["state"], &operation["actor"]), (&json!("succeeded"), &json!("alice")));
    assert_eq!(api.get(paused.header("location")).await.json(), operation);
    assert_eq!(api.get(TOPOLOGY).await.json()["nodes"][1]["wanted"], "paused");

    // Nobody answers, so nothing can be placed: the move goes on.
    let moved = Answer::to(api.request(Method::POST, "/v1/clusters/c/groups/ftp/move")).await;
    assert!(matches!(moved.status, StatusCode::ACCEPTED), "an empty body will do: {moved:?}");
    let listed = api.get("/v1/operations?cluster=c&limit=1").await.json();
    assert_eq!(listed["items"][0]["kind"], "move");
    let rest =
        api.get(&format!("/v1/operations?cluster=c&cursor={}", listed["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!(rest["items"], json!([operation]));

    api.post("/v1/clusters/c/nodes/bts9/drain", &json!({})).await.problem(404);
    api.post("/v1/clusters/c/groups/nope/online", &json!({})).await.problem(404);
    let nowhere = api.post("/v1/clusters/c/groups/ftp/move", &json!({ "to": "bts9" })).await.problem(422);
    assert!(nowhere["detail"].as_str().unwrap().contains("bts9"), "{nowhere}");
    let wrong = api.post("/v1/clusters/c/groups/ftp/move", &json!({ "to": 7, "why": "x" })).await;
    let expected = [("/to", "wrong_type"), ("/why", "unknown_field")];
    assert_eq!(wrong.findings(), expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
}

#[tokio::test]
async fn an_action_can_be_tried_without_being_done() {
    let api = Api::with_cluster().await;
    assert_eq!(api.get(STATUS).await.status, StatusCode::OK);
    let tried = api.post("/v1/clusters/c/groups/ftp/offline?dry_run=true", &json!({})).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    assert_eq!(tried.json()["disturbs"], false);
    api.post("/v1/clusters/c/groups/nope/offline?dry_run=true", &json!({})).await.problem(404);
    assert_eq!(api.get("/v1/operations").await.json()["items"], json!([]));
    assert_eq!(api.get(TOPOLOGY).await.json()["groups"][0]["wanted"], "online");
}

#[tokio::test]
async fn a_status_is_cacheable_and_can_be_waited_for() {
    let api = Api::with_cluster().await;
    let first = api.get(STATUS).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let etag = first.header("etag").to_owned();
    let same = Answer::to(api.request(Method::GET, STATUS).header("if-none-match", etag.as_str())).await;
    match same.status {
        StatusCode::NOT_MODIFIED => assert_eq!(same.text, ""),
        _ => assert_ne!(same.header("etag"), etag, "the first turns of the loop may have changed it"),
    }
    // Held until the change arrives.
    let (mut known, mut generation) = (etag, json!(1));
    let changed = api.put(&other_document(7)).await;
    assert_eq!(changed.status, StatusCode::OK);
    while generation != json!(2) {
        let held =
            Answer::to(api.request(Method::GET, STATUS).query(&[("wait", "20s"), ("since", known.as_str())])).await;
        assert_ne!(held.header("etag"), known, "it answered before the wait was over, so it differs");
        (known, generation) = (held.header("etag").to_owned(), held.json()["generation"].clone());
    }
}

#[tokio::test]
async fn history_comes_in_slices() {
    let api = Api::with_cluster().await;
    for max_failovers in 1..=4 {
        api.put(&other_document(max_failovers)).await;
    }
    let (mut cursor, mut generations) = (String::new(), Vec::new());
    loop {
        let page = api.get(&format!("/v1/clusters/c/changes?limit=2{cursor}")).await.json();
        let items = page["items"].as_array().unwrap();
        generations.extend(items.iter().map(|item| item["generation"].as_u64().unwrap()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(generations, [5, 4, 3, 2, 1]);
    let change = api.get("/v1/clusters/c/changes/3").await.json();
    assert_eq!((&change["actor"], &change["action"]), (&json!("anonymous"), &json!("put_topology")));
    assert_eq!(change["after"]["groups"][0]["failover"]["max_failovers"], 2);
    api.get("/v1/clusters/c/changes/9").await.problem(404);

    assert_eq!(api.get("/v1/clusters/c/failovers?group=ftp").await.json()["items"], json!([]));
    api.get("/v1/clusters/c/failovers/0192f5a0-0000-7000-8000-000000000000").await.problem(404);
    let events = api.get("/v1/clusters/c/events?limit=3").await.json();
    assert_eq!((&events["items"][0]["sequence"], &events["items"][2]["sequence"]), (&json!(1), &json!(3)));
    let next = api.get(&format!("/v1/clusters/c/events?cursor={}", events["next_cursor"].as_str().unwrap())).await;
    assert_eq!(next.json()["items"][0]["sequence"], 4);
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let api = Api::with_cluster().await;
    assert_eq!(api.get("/healthz").await.json()["status"], "ok");
    assert_eq!(api.get(STATUS).await.status, StatusCode::OK, "looked at");
    assert_eq!(api.get("/readyz").await.status, StatusCode::OK);
    let metrics = api.get("/metrics").await.text;
    assert!(metrics.contains("locum_group_online{cluster=\"c\",group=\"ftp\"} 0"), "{metrics}");
    assert!(metrics.contains("path=\"/v1/clusters/{cluster}/status\""), "{metrics}");
}

#[tokio::test]
async fn the_documentation_needs_no_network() {
    let api = Api::start().await;
    let page = api.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    let parts = page.text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
    let parts: Vec<&str> = parts.collect();
    assert!(parts.len() >= 3, "{}", page.text);
    for part in parts {
        let file = api.get(&format!("/docs/{}", part.trim_start_matches("./"))).await;
        assert_eq!(file.status, StatusCode::OK, "{part}");
    }
    assert!(api.get("/docs/swagger-initializer.js").await.text.contains("/docs/openapi.json"));
    assert_eq!(api.get("/docs/openapi.json").await.json(), api.get("/openapi.json").await.json());
}

#[tokio::test]
async fn a_server_that_stops_answers_who_waits() {
    let api = Api::with_cluster().await;
    // The loop has settled once nothing differs for a moment; then this is held.
    let settled = api.get(STATUS).await.header("etag").to_owned();
    let request = api.request(Method::GET, STATUS).query(&[("wait", "60s"), ("since", settled.as_str())]);
    let waiting = tokio::spawn(Answer::to(request));
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
    api.stop.cancel();
    tokio::time::timeout(PATIENCE, api.running).await.expect("it ends").unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().status, StatusCode::OK);
    // What it held is free again: the database and, for the next one, the history in it.
    let again = server::bind(config(&api.folder, "127.0.0.1:0")).await;
    assert!(again.is_ok(), "{:#}", again.err().unwrap());
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_the_server() {
    let api = Api::start().await;
    let mut half = tokio::net::TcpStream::connect(api.url.trim_start_matches("http://")).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    // Answered on a later connection: the server has the earlier one.
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
    api.stop.cancel();
    tokio::time::timeout(PATIENCE, api.running).await.expect("it ends").unwrap().unwrap();
}

#[tokio::test]
async fn what_can_not_be_served_is_refused_in_one_sentence() {
    let api = Api::start().await;
    let refusal = async |config: ServerConfig| format!("{:#}", server::bind(config).await.err().expect("a refusal"));
    let same_file = refusal(config(&api.folder, "127.0.0.1:0")).await;
    assert!(same_file.contains("another locum server has"), "{same_file}");
    let elsewhere = tempfile::tempdir().unwrap();
    let same_port = refusal(config(&elsewhere, api.url.trim_start_matches("http://"))).await;
    assert!(same_port.contains("can't listen on"), "{same_port}");
    let exposed = refusal(config(&elsewhere, "0.0.0.0:0")).await;
    assert!(exposed.contains("--insecure"), "{exposed}");
}
