//! Can history be searched, read elsewhere, and acknowledged?

use std::time::Duration;

use locum::domain::{Decision, Outcome, Term};
use locum::planner::Effects;
use locum::store::Basis;
use serde_json::{Value, json};

use crate::store::failover;
use crate::support::door::{Door, site};
use crate::support::{cluster, group, id, node};

/// Three failovers: one that succeeded, one that was blocked, and one of another group that is not over.
async fn eventful() -> Door {
    let door = Door::with(&site()).await;
    let now = jiff::Timestamp::now();
    let reign = door.store.begin_reign(&cluster(), id(9), (Term(0), Decision(0)), Duration::ZERO, now).await.unwrap();
    let snapshot = door.store.load(&cluster(), now).await.unwrap();
    let mut records =
        [failover(1, 10, Outcome::Succeeded), failover(2, 20, Outcome::Blocked), failover(3, 30, Outcome::InProgress)];
    records[1].reason = "it waits, with a \"comma\"".to_owned();
    (records[2].group, records[2].from) = (group("other"), Some(node("bts3")));
    let effects = Effects { decision: snapshot.decision.next(), failovers: records.to_vec(), ..Effects::default() };
    let basis = Basis { generation: snapshot.generation, decision: snapshot.decision, reign: reign.id };
    door.store.commit(&cluster(), &basis, &effects).await.unwrap();
    door
}

async fn found(door: &Door, query: &str) -> Vec<u128> {
    let page = door.get(&format!("failovers{query}")).await.ok();
    let ids = page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().parse().unwrap());
    ids.map(|id: uuid::Uuid| id.as_u128()).collect()
}

#[tokio::test]
async fn failovers_are_found_by_what_they_are() {
    let door = eventful().await;
    let table: [(&str, &[u128]); 10] = [
        ("", &[3, 2, 1]),
        ("?order=oldest", &[1, 2, 3]),
        ("?group=ftp", &[2, 1]),
        ("?node=bts3", &[3]),
        ("?cause=node_lost&outcome=blocked", &[2]),
        ("?cause=drain", &[]),
        ("?since=2026-01-01T00:00:20Z", &[]),
        ("?acknowledged=true", &[]),
        ("?limit=2", &[3, 2]),
        ("?order=oldest&limit=1", &[1]),
    ];
    let first: jiff::Timestamp = failover(1, 10, Outcome::Blocked).detected_at;
    for (query, expected) in table {
        let wanted = if query.starts_with("?since") { format!("?until={first}") } else { query.to_owned() };
        assert_eq!(found(&door, &wanted).await, expected, "{wanted}");
    }
    let second = failover(2, 20, Outcome::Blocked).detected_at;
    assert_eq!(found(&door, &format!("?since={second}")).await, [3, 2]);
    assert_eq!(found(&door, &format!("?until={second}")).await, [1]);
    let page = door.get("failovers?order=oldest&limit=2").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(found(&door, &format!("?order=oldest&limit=2&cursor={cursor}")).await, [3]);
    door.get("failovers?outcome=lucky").await.refused(400, "bad-request");
    assert_eq!(door.get("failovers?cursor=x").await.findings(), [(String::new(), "bad_cursor".to_owned())]);
}

#[tokio::test]
async fn who_has_seen_a_failover_is_noted_once() {
    let door = eventful().await;
    let path = |number: u128| format!("failovers/{}/acknowledge", id(number));
    let call = async |number: u128, actor: &str, body: Value| {
        door.call("POST", &path(number), &[("locum-actor", actor)], Some(&body)).await
    };
    let first = call(1, "ann", json!({ "comment": "switch was down" })).await.ok();
    assert_eq!((&first["acknowledged_by"], &first["comment"]), (&json!("ann"), &json!("switch was down")));
    assert_eq!(call(1, "ann", json!({ "comment": "switch was down" })).await.ok(), first, "said before");
    assert_eq!(call(1, "bob", json!({})).await.ok()["acknowledged_by"], "bob");
    assert_eq!(found(&door, "?acknowledged=true").await, [1]);
    assert_eq!(found(&door, "?acknowledged=false").await, [3, 2]);
    assert!(call(3, "ann", json!({})).await.refused(422, "refused").contains("not over"));
    call(7, "ann", json!({})).await.refused(404, "not-found");
    let events = door.get("events?limit=1000").await.ok();
    let last = events["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "failover_acknowledged");
}

#[tokio::test]
async fn an_acknowledgement_that_is_said_again_overwrites_nobody() {
    let door = eventful().await;
    let path = format!("failovers/{}/acknowledge", id(1));
    let say = async |actor: &str, key: &str, comment: &str| {
        let headers = [("locum-actor", actor), ("idempotency-key", key)];
        door.call("POST", &path, &headers, Some(&json!({ "comment": comment }))).await
    };
    let first = say("ann", "K", "switch was down").await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replayed")), (200, None));
    let second = say("bob", "L", "and the router").await.ok();
    let again = say("ann", "K", "switch was down").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!((&again.text, &again.json["comment"]), (&first.text, &json!("switch was down")));
    assert_eq!(door.get(&format!("failovers/{}", id(1))).await.ok(), second, "bob's word stays");
    say("ann", "K", "something else").await.refused(422, "key-reused");
    // What was said before is kept under its key as well.
    say("bob", "M", "and the router").await.ok();
    say("ann", "N", "the cable").await.ok();
    assert_eq!(say("bob", "M", "and the router").await.ok(), second);
    assert_eq!(door.get(&format!("failovers/{}", id(1))).await.ok()["acknowledged_by"], "ann");
}

#[tokio::test]
async fn history_is_a_table_for_who_asks_for_one() {
    let door = eventful().await;
    let text = async |path: &str, accept: &str| door.call("GET", path, &[("accept", accept)], None).await;
    let csv = text("failovers?limit=2", "text/csv").await;
    let rest = text(&format!("failovers?cursor={}", csv.header("next-cursor").unwrap()), "text/csv").await.text;
    assert_eq!(rest.lines().count(), 2, "the head and the last one: {rest}");
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert!(lines[0].starts_with("detected_at,group,cause,actor,from,to,"), "{}", lines[0]);
    assert!(lines[2].contains("\"it waits, with a \"\"comma\"\"\""), "{}", lines[2]);
    let report = text("failovers", "text/markdown").await.text;
    assert!(report.starts_with("# Failovers of c\n\n3 failovers, 3 of them seen by nobody."), "{report}");
    assert!(report.contains("| ftp | node_lost |"), "{report}");
    let changes = text("changes", "text/csv").await.text;
    assert!(changes.contains(",create_cluster,created the cluster\r\n"), "{changes}");
}
