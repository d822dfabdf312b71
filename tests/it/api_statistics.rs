//! Is it told how the groups fared, over any window, and by whom each was owned?

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use locum::domain::{Decision, EventKind, NewEvent, Outcome, Term};
use locum::planner::Effects;
use locum::store::Basis;
use serde_json::{Value, json};

use crate::store::failover;
use crate::support::door::{Door, site};
use crate::support::{cluster, id, node};

/// So many seconds before the tests began.
fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

/// `ftp` was placed 1000 s ago, came online on bts1 at once, and failed over to bts2 from 600 s ago to 590 s ago.
async fn eventful() -> (Door, Timestamp) {
    let door = Door::with(&site()).await;
    let now = Timestamp::now();
    let reign = door.store.begin_reign(&cluster(), id(9), (Term(0), Decision(0)), Duration::ZERO, now).await.unwrap();
    let event = |seconds, kind| NewEvent { at: ago(now, seconds), kind, subject: "ftp".into(), message: "so".into() };
    let events = [event(1000, EventKind::GroupPlaced), event(1000, EventKind::GroupOnline)];
    door.store.append_events(&cluster(), &events).await.unwrap();
    let mut record = failover(1, 0, Outcome::Succeeded);
    (record.detected_at, record.online_at) = (ago(now, 600), Some(ago(now, 590)));
    (record.from, record.to) = (Some(node("bts1")), Some(node("bts2")));
    let snapshot = door.store.load(&cluster(), now).await.unwrap();
    let effects = Effects { decision: snapshot.decision.next(), failovers: vec![record], ..Effects::default() };
    let basis = Basis { generation: snapshot.generation, decision: snapshot.decision, reign: reign.id };
    door.store.commit(&cluster(), &basis, &effects).await.unwrap();
    (door, now)
}

fn query(path: &str, now: Timestamp, (since, until): (i64, i64)) -> String {
    format!("{path}?since={}&until={}", ago(now, since), ago(now, until))
}

#[tokio::test]
async fn the_groups_of_a_cluster_have_statistics() {
    let (door, now) = eventful().await;
    let found = door.get(&query("statistics", now, (800, 300))).await.ok();
    let ftp = &found["groups"][0];
    assert_eq!((&ftp["group"], &ftp["failovers"]), (&json!("ftp"), &json!(1)));
    assert_eq!((&ftp["outcomes"], &ftp["causes"]), (&json!({ "succeeded": 1 }), &json!({ "node_lost": 1 })));
    assert_eq!((&ftp["uptime_ms"], &ftp["downtime_ms"]), (&json!(490_000), &json!(10_000)));
    assert_eq!((&ftp["uptime_percent"], &ftp["unknown_ms"]), (&json!(98.0), &json!(0)));
    assert_eq!((&ftp["mean_recovery_ms"], &ftp["mean_between_ms"]), (&json!(10_000), &Value::Null));
    assert_eq!(ftp["last"], ftp["longest"]);
    // The last 30 days, of which most is unknown.
    let whole = door.get("statistics").await.ok();
    let ftp = &whole["groups"][0];
    let (since, until) = (&whole["since"], &whole["until"]);
    let moment = |text: &Value| text.as_str().unwrap().parse::<Timestamp>().unwrap();
    assert_eq!(moment(until).duration_since(moment(since)), SignedDuration::from_hours(30 * 24));
    let lengths = ["uptime_ms", "downtime_ms", "offline_ms", "unknown_ms"].map(|field| ftp[field].as_u64().unwrap());
    assert_eq!(lengths.iter().sum::<u64>(), 30 * 24 * 3_600_000);
    assert!(lengths[3] > 29 * 24 * 3_600_000, "{lengths:?}");
}

#[tokio::test]
async fn a_group_has_a_timeline() {
    let (door, now) = eventful().await;
    let found = door.get(&query("groups/ftp/timeline", now, (1100, 300))).await.ok();
    let spans = found["spans"].as_array().unwrap();
    let states: Vec<_> = spans.iter().map(|span| (&span["state"], &span["owner"])).collect();
    let [unknown, online, down] = ["unknown", "online", "down"].map(|word| json!(word));
    let [bts1, bts2] = ["bts1", "bts2"].map(|name| json!(name));
    let null = Value::Null;
    assert_eq!(states, [(&unknown, &null), (&online, &bts1), (&down, &null), (&online, &bts2)]);
    assert_eq!((&spans[2]["failover"], &spans[2]["cause"]), (&json!(id(1)), &json!("node_lost")));
    assert_eq!((&spans[0]["since"], &spans[3]["until"]), (&found["since"], &found["until"]));
    door.get("groups/nope/timeline").await.refused(404, "not-found");
    door.at("/v1/clusters/nope/statistics").await.refused(404, "not-found");
}

#[tokio::test]
async fn a_window_without_time_in_it_is_refused() {
    let (door, now) = eventful().await;
    for path in ["statistics", "groups/ftp/timeline"] {
        let backwards = door.get(&query(path, now, (100, 200))).await;
        assert_eq!(backwards.status, 422);
        let backwards = backwards.text;
        assert!(backwards.contains("since (") && backwards.contains("must be before until ("), "{backwards}");
        let to_come = door.get(&query(path, now, (-5000, -6000))).await;
        assert_eq!(to_come.status, 422);
        let to_come = to_come.text;
        assert!(to_come.contains("must be in the past"), "{to_come}");
        door.get(&format!("{path}?since=yesterday")).await.refused(400, "bad-request");
    }
}

#[tokio::test]
async fn statistics_are_tables_for_who_asks_for_one() {
    let (door, now) = eventful().await;
    let text = async |path: &str, accept: &str| door.call("GET", path, &[("accept", accept)], None).await.text;
    let csv = text(&query("statistics", now, (800, 300)), "text/csv").await;
    assert!(csv.starts_with("group,uptime_percent,uptime_ms,downtime_ms,"), "{csv}");
    assert!(csv.contains("\r\nftp,98,490000,10000,0,0,1,succeeded 1,node_lost 1,,10000,10000\r\n"), "{csv}");
    let report = text("statistics", "text/markdown").await;
    assert!(report.starts_with("# Statistics of c\n\nFrom ") && report.contains("\n| ftp | "), "{report}");
    let spans = text(&query("groups/ftp/timeline", now, (800, 300)), "text/csv").await;
    assert!(spans.contains(",online,bts1,,\r\n") && spans.contains(",down,,node_lost,"), "{spans}");
    let report = text("groups/ftp/timeline", "text/markdown").await;
    assert!(report.starts_with("# Timeline of ftp in c"), "{report}");
}

#[tokio::test]
async fn a_cluster_that_is_gone_has_statistics_up_to_its_end() {
    let (door, now) = eventful().await;
    door.delete("").await.ok();
    let found = door.get(&query("groups/ftp/timeline", now, (500, -60))).await.ok();
    let states: Vec<_> = found["spans"].as_array().unwrap().iter().map(|span| span["state"].clone()).collect();
    assert_eq!(states, ["online", "unknown"]);
    assert_eq!(door.get("statistics").await.ok()["groups"][0]["group"], "ftp");
}
