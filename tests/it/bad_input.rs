//! Does the API refuse what it can't read or must not store, with a problem that names each place, and store nothing?

use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};

use crate::support::parts::Part;
use crate::support::three_nodes;

struct Api {
    server: Part,
    http: Client,
    _dir: tempfile::TempDir,
}

impl Api {
    /// A server that has the cluster `c`.
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let api = Self { server: Part::server(dir.path()), http: Client::new(), _dir: dir };
        let created = api.at(Method::PUT, "/v1/clusters/c/topology").json(&three_nodes()).send().await.unwrap();
        assert_eq!(created.status(), StatusCode::CREATED);
        api
    }

    fn at(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server.url))
    }

    fn put(&self) -> RequestBuilder {
        self.at(Method::PUT, "/v1/clusters/c/topology")
    }

    async fn stored(&self) -> (Option<String>, Value) {
        let answer = self.at(Method::GET, "/v1/clusters/c/topology").send().await.unwrap();
        let tag = answer.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
        (tag, answer.json().await.unwrap())
    }

    /// Sends what must be refused, and gives the problem back.
    async fn refused(&self, request: RequestBuilder, status: StatusCode) -> (header::HeaderMap, Value) {
        let before = self.stored().await;
        let answer = request.send().await.unwrap();
        let (seen, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        assert_eq!(seen, status, "{text}");
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["status"], status.as_u16(), "{text}");
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {text}");
        }
        assert_eq!(self.stored().await, before, "a refusal leaves no trace");
        (headers, problem)
    }
}

/// Cluster `c` with something changed.
fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = serde_json::to_value(three_nodes()).unwrap();
    change(&mut document);
    document
}

#[tokio::test]
async fn what_can_not_be_read_is_a_problem() {
    let api = Api::start().await;
    let put_text = |kind: &str, text: &str| api.put().header(header::CONTENT_TYPE, kind).body(text.to_owned());
    api.refused(put_text("application/json", "{\"cluster\": "), StatusCode::BAD_REQUEST).await;
    api.refused(put_text("application/json", ""), StatusCode::BAD_REQUEST).await;
    let (_, problem) =
        api.refused(put_text("application/yaml", "cluster: c"), StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    assert!(problem["detail"].as_str().unwrap().contains("application/json"), "{problem}");
    let dry = api.at(Method::PUT, "/v1/clusters/c/topology?dry_run=perhaps").json(&three_nodes());
    api.refused(dry, StatusCode::BAD_REQUEST).await;
    let action = api.at(Method::POST, "/v1/clusters/c/groups/ftp/move").json(&json!({ "node": "bts2" }));
    let (_, problem) = api.refused(action, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(problem.to_string().contains("node"), "{problem}");
    let tagged = api.put().header(header::IF_MATCH, "yesterday").json(&three_nodes());
    api.refused(tagged, StatusCode::BAD_REQUEST).await;
    let stale = api.put().header(header::IF_MATCH, "\"77\"").json(&three_nodes());
    api.refused(stale, StatusCode::PRECONDITION_FAILED).await;
}

#[tokio::test]
async fn an_etag_that_is_no_text_is_a_problem() {
    let api = Api::start().await;
    let umlaut = header::HeaderValue::from_bytes("\u{e4}".as_bytes()).unwrap();
    let request = api.put().json(&three_nodes()).header(header::IF_MATCH, umlaut);
    let (_, problem) = api.refused(request, StatusCode::BAD_REQUEST).await;
    assert!(problem["detail"].as_str().unwrap().contains("If-Match"), "{problem}");
}

/// One byte too many; `http_limits` sends more.
#[tokio::test]
async fn a_body_that_is_too_large_is_a_problem() {
    let api = Api::start().await;
    let large = format!("\"{}\"", "x".repeat(32 * 1024 * 1024 - 1));
    let request = api.put().header(header::CONTENT_TYPE, "application/json").body(large);
    let (_, problem) = api.refused(request, StatusCode::PAYLOAD_TOO_LARGE).await;
    assert!(problem["detail"].as_str().unwrap().contains("32 MiB"), "{problem}");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let api = Api::start().await;
    for path in ["/v1/nothing", "/v2/clusters", "/v1/clusters/NOT%20A%20NAME/topology", "/v1/operations/7"] {
        api.refused(api.at(Method::GET, path), StatusCode::NOT_FOUND).await;
    }
    for path in ["/v1/clusters/other", "/v1/clusters/other/topology", "/v1/clusters/other/status"] {
        let (_, problem) = api.refused(api.at(Method::GET, path), StatusCode::NOT_FOUND).await;
        assert!(problem["detail"].as_str().unwrap().contains("\"other\""), "{problem}");
    }
    for (path, allowed) in [("/v1/clusters/c/topology", "PUT"), ("/v1/clusters/c/status", "GET")] {
        let (headers, _) = api.refused(api.at(Method::PATCH, path), StatusCode::METHOD_NOT_ALLOWED).await;
        assert!(headers[header::ALLOW].to_str().unwrap().contains(allowed), "{headers:?}");
    }
    api.refused(api.at(Method::GET, "/v1/clusters/c/groups/ftp/move"), StatusCode::METHOD_NOT_ALLOWED).await;
}

#[tokio::test]
async fn a_document_that_breaks_rules_is_refused_with_every_finding() {
    let api = Api::start().await;
    let resource = |possible: Value| json!([{ "name": "receive", "type": "process", "command": ["/bin/true"], "possible_owners": possible }]);
    let table = [
        (with(|d| d["groups"][0]["preferred_owners"] = json!(["bts9"])), vec!["/groups/0/preferred_owners/0"]),
        (
            with(|d| d["groups"][0]["resources"] = resource(json!(["bts8", "bts1", "bts9"]))),
            vec!["/groups/0/resources/0/possible_owners/0", "/groups/0/resources/0/possible_owners/2"],
        ),
        (with(|d| d["groups"][0]["resources"] = resource(json!([]))), vec!["/groups/0/resources/0/possible_owners"]),
        (with(|d| d["groups"][0]["resources"] = json!([])), vec!["/groups/0/resources"]),
        (with(|d| d["settings"] = json!({ "lease": "5s", "stop_budget": "5s" })), vec!["/settings/stop_budget"]),
        (
            with(|d| d["settings"] = json!({ "heartbeat": "1100ms", "lease": "5s", "margin": "2s" })),
            vec!["/settings/heartbeat", "/settings/margin"],
        ),
        (with(|d| d["settings"] = json!({ "lease": "5" })), vec!["/settings/lease"]),
        (
            with(|d| {
                d["colour"] = json!("blue");
                d["nodes"][1]["agent"] = d["nodes"][0]["agent"].clone();
                d["nodes"][2]["name"] = json!("bts1");
                d["groups"][0]["failover"] = json!({ "max_failovers": -1 });
            }),
            vec!["/colour", "/groups/0/failover/max_failovers", "/nodes/1/agent", "/nodes/2/name"],
        ),
        (with(|d| d["cluster"] = json!("other")), vec!["/cluster"]),
    ];
    for (document, expected) in table {
        let (_, problem) = api.refused(api.put().json(&document), StatusCode::UNPROCESSABLE_ENTITY).await;
        let pointers: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, expected, "{problem}");
        let said = |field: &str| {
            problem["errors"].as_array().unwrap().iter().all(|e| e[field].as_str().is_some_and(|t| !t.is_empty()))
        };
        assert!(said("code") && said("detail"), "{problem}");
    }
}

#[tokio::test]
async fn what_is_far_too_long_or_too_much_is_refused_in_few_words() {
    let api = Api::start().await;
    let named = json!({ "name": "g" }).to_string().replace("name", &"a".repeat(3_000_000));
    let telling = json!({ "agent": "a".repeat(3_000_000) }).to_string();
    let many = json!({ "cluster": "c", "nodes": vec![5; 50_000] }).to_string();
    for (path, body, told) in [("groups/g", named, 2), ("nodes/bts1", telling, 1), ("topology", many, 100)] {
        let request = api.at(Method::PUT, &format!("/v1/clusters/c/{path}"));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let (_, problem) = api.refused(request, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(problem["errors"].as_array().unwrap().len(), told, "{path}");
        assert!(problem.to_string().len() < 30_000, "{path}");
    }
}
