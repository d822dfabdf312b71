//! Do lists come in pages, sorted, filtered and with the fields that are asked for, and events by what they are about?

use axum::body::Body;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::WAIT;
use crate::support::door::{Door, site};

fn names(page: &Value, key: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

/// Nodes n09 to n00, every second one drained.
async fn ten_nodes() -> Door {
    let node = |number: u16| {
        let wanted = if number.is_multiple_of(2) { "drained" } else { "active" };
        json!({ "name": format!("n0{number}"), "agent": format!("http://127.0.0.1:{}", 7440 + number), "wanted": wanted })
    };
    let nodes: Vec<Value> = (0..10).rev().map(node).collect();
    Door::with(&json!({ "cluster": "c", "nodes": nodes })).await
}

#[tokio::test]
async fn a_list_comes_in_pages_that_hold_while_it_changes() {
    let door = ten_nodes().await;
    let first = door.get("nodes?limit=4").await.ok();
    assert_eq!(names(&first, "name"), ["n09", "n08", "n07", "n06"]);
    // The last of the page goes and comes again at the end, the one before it goes, others come, and one that was there changes.
    let last = door.get("nodes/n06").await.ok();
    door.delete("nodes/n06").await.ok();
    door.delete("nodes/n07").await.ok();
    door.put("nodes/n99", &json!({ "agent": "http://127.0.0.1:7999" })).await.ok();
    door.post("nodes", &last).await.ok();
    door.patch("nodes/n08", &json!({ "fault_domain": "rack-a" })).await.ok();
    let after = |page: &Value| page["next_cursor"].as_str().unwrap().to_owned();
    let second = door.get(&format!("nodes?limit=4&cursor={}", after(&first))).await.ok();
    assert_eq!(names(&second, "name"), ["n05", "n04", "n03", "n02"]);
    let third = door.get(&format!("nodes?limit=4&cursor={}", after(&second))).await.ok();
    assert_eq!(
        names(&third, "name"),
        ["n01", "n00", "n99"],
        "who was shown is not shown again, and who is new comes last"
    );
    assert_eq!(third["next_cursor"], Value::Null);

    let newest = door.get("nodes?sort=-generation&limit=2").await.ok();
    assert_eq!(names(&newest, "name"), ["n08", "n06"]);
    let rest = door.get(&format!("nodes?sort=-generation&limit=9&cursor={}", after(&newest))).await.ok();
    assert_eq!((rest["items"].as_array().unwrap().len(), names(&rest, "name")[0].as_str()), (8, "n99"));
}

#[tokio::test]
async fn lists_are_filtered_by_what_their_objects_say() {
    let door = Door::with(&site()).await;
    door.patch("nodes/bts2", &json!({ "fault_domain": "rack-a", "wanted": "paused" })).await.ok();
    door.post("hosts/Tracking/cluster", &json!({ "group": "ftp" })).await.ok();
    for (query, key, expected) in [
        ("nodes?name=bts2", "name", vec!["bts2"]),
        ("nodes?name=bts*&sort=-name", "name", vec!["bts3", "bts2", "bts1"]),
        ("nodes?wanted=paused&fault_domain=rack-a", "name", vec!["bts2"]),
        ("nodes?wanted=active&fault_domain=rack-a", "name", vec![]),
        ("groups?preferred_owners=bts1&wanted=online", "name", vec!["ftp"]),
        ("groups?preferred_owners=bts3", "name", vec![]),
        ("groups/ftp/resources?sort=-name&limit=1", "name", vec!["name"]),
        ("hosts?kind=in_process&clustered_in=ftp", "name", vec!["Tracking"]),
        ("hosts/Receive/instances?disabled=false&node=bts1", "node", vec!["bts1"]),
        ("handlers?adapter=file&direction=receive&host=Receive", "name", vec!["file-in"]),
        ("handlers?adapter=ftp", "name", vec![]),
    ] {
        assert_eq!(names(&door.get(query).await.ok(), key), expected, "{query}");
    }
    assert_eq!(names(&door.at("/v1/clusters?name=c*&limit=1").await.ok(), "name"), ["c"]);
    assert_eq!(names(&door.at("/v1/clusters?name=d").await.ok(), "name"), Vec::<String>::new());
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_come_under_a_media_type_of_their_own() {
    let door = Door::with(&site()).await;
    let sparse = Some("application/vnd.locum.sparse+json");
    let nodes = door.get("nodes?fields=name,wanted&limit=1").await;
    assert_eq!((nodes.header("content-type"), nodes.etag()), (sparse, "\"1\""));
    assert_eq!(nodes.json["items"], json!([{ "name": "bts1", "wanted": "active" }]));
    assert!(nodes.json["next_cursor"].is_string());
    assert_eq!(door.get("nodes?limit=1").await.header("content-type"), Some("application/json"));
    let same = door.call("GET", "nodes?fields=name,wanted&limit=1", &[("if-none-match", "\"1\"")], None).await;
    assert_eq!(same.status, 304);
    for (query, expected) in [
        ("groups/ftp/resources?fields=name,type,properties&limit=1", json!({ "name": "ip", "type": "ocf" })),
        (
            "hosts/Receive/instances?fields=node,service_state&limit=1",
            json!({ "node": "bts1", "service_state": "stopped" }),
        ),
        ("events?fields=kind&limit=1", json!({ "kind": "topology_changed" })),
        ("changes?fields=generation,actor", json!({ "generation": 1, "actor": "anonymous" })),
    ] {
        let page = door.get(query).await;
        assert_eq!((page.header("content-type"), &page.json["items"][0]), (sparse, &expected), "{query}");
    }
    door.post("nodes/bts1/pause", &json!({})).await.ok();
    let operations = door.at("/v1/operations?fields=kind,target").await;
    assert_eq!(operations.json["items"], json!([{ "kind": "pause", "target": "bts1" }]));
    assert_eq!(door.get("failovers?fields=id,outcome").await.header("content-type"), sparse);
    let table = door.call("GET", "changes?fields=actor", &[("accept", "text/csv")], None).await;
    table.refused(400, "bad-request");
}

#[tokio::test]
async fn what_a_list_does_not_know_is_refused_with_what_it_knows() {
    let door = Door::with(&site()).await;
    let cursor = door.get("nodes?limit=1&sort=name").await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for (query, code, said) in [
        ("nodes?fields=name,colour".to_owned(), "unknown_field", "generation"),
        ("nodes?sort=colour".to_owned(), "unknown_value", "name, -name, generation, -generation"),
        ("groups/ftp/resources?sort=generation".to_owned(), "unknown_value", "it can by name, -name"),
        ("nodes?name=a%20b".to_owned(), "bad_name", "begin so"),
        (format!("nodes?limit=1&cursor={cursor}"), "bad_cursor", "another list, order or filter"),
        (
            format!("nodes?limit=1&sort=name&wanted=active&cursor={cursor}"),
            "bad_cursor",
            "another list, order or filter",
        ),
        (format!("hosts?limit=1&sort=name&cursor={cursor}"), "bad_cursor", "another list, order or filter"),
        ("nodes?cursor=17".to_owned(), "bad_cursor", "begin without one"),
    ] {
        let answer = door.get(&query).await;
        let detail = answer.json["errors"][0]["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(said), "{query}: {detail}");
        assert_eq!(answer.findings()[0].1, code, "{query}");
    }
    door.get("nodes?limit=1001").await.refused(400, "bad-request");
    door.get("nodes?colour=red").await.refused(400, "bad-request");
    assert_eq!(door.get(&format!("nodes?limit=9&sort=name&fields=name&cursor={cursor}")).await.status, 200);
}

#[tokio::test]
async fn events_are_found_by_kind_and_subject_page_by_page() {
    let door = Door::with(&site()).await;
    for node in ["bts1", "bts2", "bts1", "bts3", "bts1"] {
        let wanted = if node == "bts3" { "paused" } else { "active" };
        let rack = format!("rack-{}", door.get("topology").await.etag().trim_matches('"'));
        door.patch(&format!("nodes/{node}"), &json!({ "fault_domain": rack, "wanted": wanted })).await.ok();
    }
    let numbers = |page: &Value| -> Vec<u64> {
        page["items"].as_array().unwrap().iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
    };
    let first = door.get("events?kind=topology_changed&subject=nodes/bts1&limit=2").await.ok();
    assert_eq!((numbers(&first), first["next_cursor"].as_str()), (vec![2, 4], Some("4")));
    let rest = door.get("events?kind=topology_changed&subject=nodes/bts1&limit=2&cursor=4").await.ok();
    assert_eq!((numbers(&rest), &rest["next_cursor"]), (vec![6], &Value::Null));
    assert_eq!(numbers(&door.get("events?kind=node_down").await.ok()), Vec::<u64>::new());
    door.get("events?kind=colour").await.refused(400, "bad-request");
}

/// The numbers of the next events of a stream, until there are so many.
async fn next_numbers(stream: &mut (impl futures_util::Stream<Item = String> + Unpin), count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let chunk = tokio::time::timeout(WAIT, stream.next()).await.expect("an event in time").expect("no end");
        let ids = chunk
            .lines()
            .filter(|_| chunk.contains("data:"))
            .filter_map(|line| line.strip_prefix("id: "))
            .map(|id| id.parse::<u64>().unwrap());
        numbers.extend(ids);
    }
    numbers
}

fn chunks(body: Body) -> impl futures_util::Stream<Item = String> + Unpin {
    body.into_data_stream().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn a_stream_skips_what_is_not_asked_for_and_goes_on_later() {
    let door = Door::with(&site()).await;
    let touch = async |node: &str, rack: &str| {
        door.patch(&format!("nodes/{node}"), &json!({ "fault_domain": rack })).await.ok();
    };
    touch("bts1", "a").await;
    touch("bts2", "a").await;
    touch("bts1", "b").await;
    let follow = async |last: &str| {
        let headers = [("accept", "text/event-stream"), ("last-event-id", last)];
        chunks(door.response("GET", "events?subject=nodes/bts1", &headers, None).await.into_body())
    };
    let mut stream = follow("0").await;
    assert_eq!(next_numbers(&mut stream, 2).await, [2, 4]);
    // As they happen, with others in between.
    touch("bts3", "c").await;
    touch("bts1", "c").await;
    touch("bts2", "d").await;
    touch("bts1", "d").await;
    assert_eq!(next_numbers(&mut stream, 2).await, [6, 8]);
    drop(stream);
    assert_eq!(next_numbers(&mut follow("4").await, 2).await, [6, 8]);
    let headers = [("accept", "text/event-stream")];
    door.call("GET", "events?fields=kind", &headers, None).await.refused(400, "bad-request");
}
