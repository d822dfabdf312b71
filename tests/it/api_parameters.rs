//! Is what stands in a query or in `Accept` never passed over, on any call that there is?

use locum::api;
use serde_json::{Value, json};

use crate::support::door::{Door, site};

#[tokio::test]
async fn no_call_takes_a_parameter_that_it_does_not_know() {
    let door = Door::with(&site()).await;
    let document = api::openapi();
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{cluster}", "c").replace("{id}", "0190a1b2-0000-7000-8000-000000000000");
        let path = path.replace("{generation}", "1").replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_ascii_uppercase();
            let body = json!({});
            let body = Some(&body).filter(|_| !["GET", "DELETE"].contains(&&*method));
            let detail = door.call(&method, &format!("{path}?no_such=1"), &[], body).await.refused(400, "bad-request");
            assert!(detail.contains("\"no_such\""), "{method} {path}: {detail}");
            calls += 1;
        }
    }
    assert!(calls > 80, "{calls}");
    assert_eq!(door.get("topology").await.etag(), "\"1\"");
}

#[tokio::test]
async fn what_can_not_be_tried_is_not_done_when_it_is_to_be_tried() {
    let door = Door::with(&site()).await;
    let id = door.post("nodes/bts1/drain", &json!({})).await.ok()["id"].as_str().unwrap().to_owned();
    let cancel = format!("/v1/operations/{id}/cancel?dry_run=true");
    let detail = door.post(&cancel, &json!({})).await.refused(400, "bad-request");
    assert_eq!(detail, "this call takes no parameters, and so not \"dry_run\"");
    assert_eq!(door.at(&format!("/v1/operations/{id}")).await.ok()["state"], "running");
}

#[tokio::test]
async fn a_value_that_can_not_be_read_is_told_with_what_would_be_right() {
    let door = Door::with(&site()).await;
    for (path, said) in [
        ("nodes?limit=abc", "limit is a whole number from 1 to 1000, not \"abc\""),
        ("events?limit=1001", "limit is a whole number from 1 to 1000, not \"1001\""),
        ("failovers?since=bad", "since is a time, like 2026-01-31T12:00:00Z, not \"bad\""),
        ("failovers?node=a%20b", "node: "),
        ("status?wait=soon", "wait: \"soon\" is not a duration; write a number with its unit"),
    ] {
        let detail = door.get(path).await.refused(400, "bad-request");
        assert!(detail.starts_with(said), "{path}: {detail}");
    }
}

#[tokio::test]
async fn the_form_of_an_answer_is_the_one_that_is_liked_best() {
    let door = Door::with(&site()).await;
    for (path, lines, form) in [
        ("changes", vec!["text/CSV"], "text/csv; charset=utf-8"),
        ("changes", vec!["text/html", "text/markdown"], "text/markdown; charset=utf-8"),
        ("changes", vec!["text/csv;q=0"], "application/json"),
        ("statistics", vec!["text/csv;q=0.1, application/json;q=0.2"], "application/json"),
        ("status", vec!["Text/Event-Stream"], "text/event-stream"),
        ("status", vec!["text/event-stream;q=0, */*"], "application/json"),
        ("events", vec!["application/json", "text/event-stream"], "application/json"),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("accept", *line)).collect();
        let response = door.response("GET", path, &headers, None).await;
        assert_eq!(response.headers()["content-type"], form, "{path} {lines:?}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_list_its_order_and_its_filter() {
    let door = Door::with(&site()).await;
    for reason in ["one", "two", "three"] {
        door.post("nodes/bts1/pause", &json!({ "reason": reason })).await.ok();
        door.patch("groups/ftp", &json!({ "failover": { "max_failovers": reason.len() } })).await.ok();
    }
    let next = async |path: &str| -> String {
        let page = door.get(path).await.ok();
        page["next_cursor"].as_str().unwrap_or_else(|| panic!("{path}: {page}")).to_owned()
    };
    let cursors = [
        ("changes", next("changes?limit=1").await),
        ("/v1/operations", next("/v1/operations?limit=1").await),
        ("/v1/operations?kind=pause", next("/v1/operations?kind=pause&limit=1").await),
        ("/v1/operations?cluster=c", next("/v1/operations?cluster=c&limit=1").await),
        ("events", next("events?limit=1").await),
        ("nodes", next("nodes?limit=1").await),
    ];
    let lists = cursors.iter().map(|(path, _)| *path).chain(["failovers", "failovers?order=oldest"]);
    for path in lists {
        for (of, cursor) in &cursors {
            let joined = if path.contains('?') { '&' } else { '?' };
            let seen = door.get(&format!("{path}{joined}cursor={cursor}")).await;
            match path == *of {
                true => drop(seen.ok()),
                false => assert_eq!(seen.findings(), [(String::new(), "bad_cursor".to_owned())], "{of} in {path}"),
            }
        }
    }
    // The number of an event is good under any filter.
    let after = next("events?limit=1").await;
    let rest = door.get(&format!("events?kind=operation_accepted&cursor={after}")).await.ok();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(3), "{rest}");
    assert_eq!(rest["next_cursor"], Value::Null);
}
