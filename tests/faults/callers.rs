//! Stories of callers over a server that is killed: whoever repeats a call, and whoever follows the events.

use serde_json::{Value, json};

use crate::site::{CLUSTER, GROUP, NODES, Site};

/// The kills are spread over the time in which the call is taken in, done and answered.
#[tokio::test]
async fn a_move_that_is_asked_for_again_over_a_killed_server_is_one_move() {
    let mut site = Site::start().await;
    for point in 0..8_u64 {
        let (owner, key) = (site.owner().await, format!("move-{point}"));
        let body = json!({ "to": NODES[(owner + 1) % NODES.len()] });
        let url = site.url(&format!("/v1/clusters/{CLUSTER}/groups/{GROUP}/move"));
        let ask = || site.http.post(&url).header("idempotency-key", &key).json(&body).send();
        let first = tokio::spawn(ask());
        tokio::time::sleep(std::time::Duration::from_millis(point)).await;
        site.kill_server();
        let first: Option<Value> = match first.await.unwrap() {
            Ok(answer) if answer.status().is_success() => answer.json().await.ok(),
            _ => None,
        };
        site.start_server().await;
        let url = site.url(&format!("/v1/clusters/{CLUSTER}/groups/{GROUP}/move"));
        let ask = || site.http.post(&url).header("idempotency-key", &key).json(&body).send();
        let again: Value = ask().await.unwrap().json().await.unwrap();
        let once_more: Value = ask().await.unwrap().json().await.unwrap();
        assert_eq!(again["id"], once_more["id"], "{again}");
        if let Some(first) = first {
            assert_eq!(first["id"], again["id"], "what was accepted is not done twice");
        }
        site.wait_online_elsewhere(owner).await;
    }
    assert_eq!(site.failovers().await.len(), 8, "one for each key");
    site.check_exactly_one().await;
}

/// The numbers of events that come within a stream until one of `kind`.
async fn numbers(site: &Site, after: Option<u64>, kind: &str) -> Vec<u64> {
    let url = site.url(&format!("/v1/clusters/{CLUSTER}/events"));
    let mut request = site.http.get(url).header("accept", "text/event-stream");
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    let mut stream = request.send().await.expect("the stream");
    let (mut text, mut found) = (String::new(), Vec::new());
    loop {
        while let Some((block, rest)) = text.split_once("\n\n") {
            let id: Option<u64> =
                block.lines().find_map(|line| line.strip_prefix("id: ")).and_then(|id| id.parse().ok());
            let last = block.contains(&format!("event: {kind}"));
            // Without data it is the moment from which on events come.
            found.extend(id.filter(|_| block.contains("data:")));
            text = rest.to_owned();
            if last {
                return found;
            }
        }
        let chunk = tokio::time::timeout(std::time::Duration::from_secs(30), stream.chunk()).await;
        let chunk = chunk.expect("nothing comes").expect("the stream broke").expect("the stream ended");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
}

#[tokio::test]
async fn a_stream_that_a_killed_server_cut_goes_on_without_a_gap() {
    let mut site = Site::start().await;
    let before = numbers(&site, Some(0), "group_placed").await;
    assert_eq!(before, (1..=before.len() as u64).collect::<Vec<_>>());
    site.kill_server();
    site.start_server().await;
    site.act(&format!("groups/{GROUP}/move?wait=20s"), json!({})).await.expect("an answer");
    let at = *before.last().unwrap();
    let after = numbers(&site, Some(at), "failover_closed").await;
    assert_eq!(after, (at + 1..=at + after.len() as u64).collect::<Vec<_>>());
}
