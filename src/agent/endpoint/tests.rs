//! Is every answer of the endpoint what its document says?

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use axum::routing::post;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::agent::core::CoreError;
use crate::domain::{Epoch, GroupState, Term};
use crate::wire::{LeaseRequest, ObservedGroup, Refusal, RefusalCode};

/// The endpoint's frame around one route that takes a body as the real one does.
fn framed() -> Router {
    let echo = async |extract::Body(request): extract::Body<LeaseRequest>| axum::Json(request);
    let panics = async || -> &'static str { panic!("on purpose") };
    explaining(Router::new().route("/v1/lease", post(echo)).route("/panic", post(panics)))
}

fn request(method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(path).header("content-type", content_type).body(body.into()).unwrap()
}

/// Checks that the response is a problem with that status, and gives it.
async fn problem(response: Response, status: u16) -> (HeaderMap, Value) {
    assert_eq!(response.status().as_u16(), status);
    let (head, body) = response.into_parts();
    assert_eq!(head.headers["content-type"], "application/problem+json");
    let body: Value = serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
    assert_eq!(body["status"], status);
    for field in ["type", "title", "detail"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {body}");
    }
    (head.headers, body)
}

async fn refused(request: Request<Body>, status: u16) -> (HeaderMap, Value) {
    problem(framed().oneshot(request).await.unwrap(), status).await
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    refused(request("GET", "/v1/nothing", "text/plain", ""), 404).await;
    let (headers, body) = refused(request("DELETE", "/v1/lease", "text/plain", ""), 405).await;
    assert_eq!(headers["allow"], "POST");
    assert_eq!(body["detail"], "/v1/lease does not take DELETE, only POST");
}

#[tokio::test]
async fn bodies_that_are_no_request_are_problems() {
    let json = "application/json";
    refused(request("POST", "/v1/lease", json, "{"), 400).await;
    refused(request("POST", "/v1/lease", json, "{}"), 422).await;
    refused(request("POST", "/v1/lease", "text/plain", "{}"), 415).await;
    refused(request("POST", "/v1/lease", json, vec![b' '; MAX_BODY_BYTES + 1]), 413).await;
    refused(request("POST", "/v1/lease", json, vec![b' '; MAX_BODY_BYTES]), 400).await;
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    refused(request("POST", "/panic", "text/plain", ""), 500).await;
}

#[tokio::test]
async fn a_refusal_can_be_read_back() {
    let refusal = Refusal {
        code: RefusalCode::StaleTerm,
        detail: "a newer control plane reigns".to_owned(),
        cluster: Some("c1".parse().unwrap()),
        cluster_id: None,
        term: Some(Term(7)),
        decision: None,
        epoch: None,
    };
    let error = EndpointError::from(CoreError::Refused(Box::new(refusal.clone())));
    let (_, body) = problem(error.into_response(), 409).await;
    assert_eq!(serde_json::from_value::<Refusal>(body).unwrap(), refusal);
    let failed = EndpointError::from(CoreError::Failed("the disk is full".to_owned()));
    let (_, body) = problem(failed.into_response(), 500).await;
    assert_eq!(body["detail"], "the disk is full");
}

#[tokio::test]
async fn a_log_is_read_from_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("r.log");
    let none = resources::last_lines(log.clone(), 2, "resource r of group g").await.unwrap_err();
    problem(none.into_response(), 404).await;
    std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
    assert_eq!(resources::last_lines(log, 2, "resource r of group g").await.unwrap(), "two\nthree\n");
}

#[test]
fn metrics_tell_lease_and_groups() {
    let group = |name: &str, state| ObservedGroup {
        group: name.parse().unwrap(),
        epoch: Epoch(1),
        state,
        running: true,
        begun_at: None,
        online_at: None,
        failure: None,
        resources: Vec::new(),
    };
    let instance = json!({ "host": "h", "resource": { "name": "h", "state": "online", "restarts": 0 } });
    let groups = [group("a", GroupState::Online), group("b", GroupState::Pending)];
    let text = health::exposition(12_045, &groups, &[serde_json::from_value(instance).unwrap()]);
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let online = |name, value| format!("locum_agent_group_online{{group=\"{name}\"}} {value}");
    let instance = "locum_agent_instance_online{host=\"h\"} 1";
    assert_eq!(samples, ["locum_agent_lease_left_seconds 12.045", &online("a", 1), &online("b", 0), instance]);
}

#[test]
fn every_operation_is_documented() {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 7);
    for (path, operation) in
        paths.iter().flat_map(|(path, item)| item.as_object().unwrap().values().map(move |o| (path, o)))
    {
        assert!(operation["summary"].is_string() && operation["description"].is_string(), "{path}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert_ne!(response["description"], json!(""), "{path} {status}");
        }
    }
}
