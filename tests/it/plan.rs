//! What does the API answer when it is asked what would be?

use std::time::Duration;

use locum::server::{self, ServerConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::three_nodes;

/// A control plane whose agents do not answer.
struct Api {
    url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Api {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("locum.db").display());
        let listen = "127.0.0.1:0".parse().unwrap();
        let bound = server::bind(ServerConfig { listen, database_url, insecure: false }).await.unwrap();
        let url = format!("http://{}/v1/clusters/c", bound.local_addr());
        let stop = CancellationToken::new();
        tokio::spawn(bound.run(stop.clone()));
        Self { url, http: reqwest::Client::new(), stop, _folder: folder }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).timeout(Duration::from_secs(30));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn plan(&self, body: Value) -> (StatusCode, Value) {
        self.ask(Method::POST, "/plan", Some(&body)).await
    }

    /// Pointers of the findings of a refusal.
    async fn refused(&self, body: Value) -> Vec<String> {
        let (status, problem) = self.plan(body).await;
        assert_eq!(status, 422, "{problem}");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn document() -> Value {
    serde_json::to_value(three_nodes()).unwrap()
}

#[tokio::test]
async fn a_topology_is_planned_before_it_is_stored() {
    let api = Api::start().await;
    let (status, found) = api.plan(json!({ "topology": document(), "faults": { "lose": ["bts1"] } })).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["end"], json!([{ "name": "ftp", "state": "online", "owner": "bts2", "was_on": null }]));
    assert_eq!((&found["refused"], &found["settled"]), (&Value::Null, &json!(true)));
    assert!(found["findings"]["breaks"].is_array(), "{found}");
    assert_eq!(api.ask(Method::GET, "", None).await.0, 404, "nothing is stored");
    assert_eq!(api.plan(json!({})).await.0, 404);
}

#[tokio::test]
async fn what_is_wrong_in_a_question_has_its_place() {
    let api = Api::start().await;
    let lose =
        |names: Value| json!({ "topology": document(), "faults": { "lose": names, "dependencies_down": ["db"] } });
    assert_eq!(api.refused(lose(json!(["bts9"]))).await, ["/faults/lose", "/faults/dependencies_down"]);
    assert_eq!(api.refused(lose(json!("bts1"))).await, ["/faults"]);
    assert_eq!(api.refused(json!({ "faults": {}, "lose": [] })).await, ["/lose"]);
    let mut wrong = document();
    wrong["groups"][0]["resources"][0]["command"] = json!(7);
    assert_eq!(api.refused(json!({ "topology": wrong })).await, ["/topology/groups/0/resources/0/command"]);
    let mut other = document();
    other["cluster"] = json!("d");
    assert_eq!(api.refused(json!({ "topology": other })).await, ["/topology/cluster"]);
}

#[tokio::test]
async fn a_stored_cluster_is_explained_and_its_losses_are_told() {
    let api = Api::start().await;
    assert_eq!(api.ask(Method::GET, "/resilience", None).await.0, 404);
    assert_eq!(api.ask(Method::PUT, "/topology", Some(&document())).await.0, 201);
    assert_eq!(api.ask(Method::GET, "/status", None).await.0, 200); // waits for the first look
    let (_, found) = api.ask(Method::GET, "/groups/ftp/explain", None).await;
    assert_eq!(found["owner"], Value::Null);
    let nodes = found["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    assert!(
        nodes.iter().all(|node| node["eligible"] == false && node["obstacles"][0]["kind"] == "unreachable"),
        "{found}"
    );
    assert_eq!(api.ask(Method::GET, "/groups/other/explain", None).await.0, 404);
    let (_, found) = api.ask(Method::GET, "/resilience", None).await;
    assert_eq!(found["nodes"].as_array().unwrap().len(), 3);
    assert_eq!((&found["pairs_computed"], &found["pairs_count"]), (&json!("all"), &json!(3)));
    // A pause and another topology in one question; the answer is about the stored cluster as it is seen.
    let (status, found) = api.plan(json!({ "faults": { "pause": ["bts1"], "lose": ["bts2"] } })).await;
    assert_eq!((status, found["end"][0]["name"].as_str()), (StatusCode::OK, Some("ftp")), "{found}");
}
