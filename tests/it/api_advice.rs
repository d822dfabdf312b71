//! Do the rules speak before a change hurts, and can somebody take a finding upon himself?

use serde_json::{Value, json};

use crate::support::door::{Door, site};

/// An FTP receive handler in a host that runs on two nodes at once: the files would be fetched twice.
fn twice() -> Value {
    json!({ "adapter": "ftp", "direction": "receive", "host": "Receive" })
}

fn has(findings: &Value, rule: &str) -> bool {
    findings.as_array().unwrap().iter().any(|finding| finding["rule"] == rule)
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_is_shown_and_refused() {
    let door = Door::with(&site()).await;
    let dry = door.put("handlers/ftp-in?dry_run=true", &twice()).await.ok();
    assert!(has(&dry["findings"]["breaks"], "R30"), "{dry}");
    assert!(dry["refused"].as_str().unwrap().contains("R30"), "{dry}");

    let refused = door.put("handlers/ftp-in", &twice()).await;
    let (error, status) = (refused.json["errors"][0].clone(), refused.status);
    assert!(refused.refused(422, "rule-broken").contains("R30"));
    assert_eq!((status.as_u16(), &error["code"]), (422, &json!("R30")));
    assert!(error["detail"].as_str().unwrap().len() > 30, "{error}");
    let mut whole = site();
    let mut handler = twice();
    handler["name"] = json!("ftp-in");
    whole["handlers"].as_array_mut().unwrap().push(handler);
    let refused = door.put("topology", &whole).await;
    let pointer = refused.json["errors"][0]["pointer"].as_str().unwrap().to_owned();
    assert!(pointer == "/handlers/1" || pointer == "/hosts/0", "{refused:?}");
    refused.refused(422, "rule-broken");
    assert_eq!(door.get("topology").await.etag(), "\"1\"", "a refused write leaves no trace");
}

#[tokio::test]
async fn what_mends_a_finding_says_so() {
    let door = Door::with(&site()).await;
    door.post("hosts/Receive/cluster", &json!({ "group": "ftp" })).await.ok();
    door.put("handlers/ftp-in", &twice()).await.ok();
    let dry = door.patch("handlers/ftp-in?dry_run=true", &json!({ "host": "Tracking" })).await.ok();
    assert!(has(&dry["findings"]["breaks"], "R30") && dry["refused"].is_string(), "{dry}");
    door.patch("handlers/ftp-in", &json!({ "host": "Tracking" })).await.refused(422, "rule-broken");

    let budget = json!({ "failover": { "max_failovers": 0 } });
    let broken = door.patch("groups/ftp", &budget).await.ok()["findings"]["breaks"].clone();
    let mended = door.patch("groups/ftp", &json!({ "failover": { "max_failovers": null } })).await.ok();
    assert_eq!(mended["findings"]["mends"], broken, "what one change breaks, its opposite mends");
    assert!(!broken.as_array().unwrap().is_empty(), "a budget of no failover is worth a word");
}

#[tokio::test]
async fn a_finding_can_be_waived_for_a_while() {
    let door = Door::with(&site()).await;
    let dry = door.put("handlers/ftp-in?dry_run=true", &twice()).await.ok();
    let breaks = dry["findings"]["breaks"].as_array().unwrap();
    let object = breaks.iter().find(|finding| finding["rule"] == "R30").unwrap()["objects"][0].clone();
    let waiver = json!({ "rule": "R30", "object": object, "reason": "the server locks the file", "for": "720h" });
    let put = door.call("POST", "advice/waivers", &[("locum-actor", "bob")], Some(&waiver)).await.ok();
    assert_eq!((&put["object"]["actor"], &put["object"]["object"]), (&json!("bob"), &object));
    door.put("handlers/ftp-in", &twice()).await.ok();
    let advice = door.get("advice").await.ok();
    assert_eq!((&advice["waived"][0]["finding"]["rule"], has(&advice["findings"], "R30")), (&json!("R30"), false));

    let path = format!("advice/waivers/R30?object={}", object.as_str().unwrap());
    let ended = door.delete(&path).await.ok();
    assert!(has(&ended["findings"]["breaks"], "R30"), "it counts again: {ended}");
    door.delete(&path).await.refused(404, "not-found");
    let errors = door.get("advice?severity=error").await.ok();
    let all = errors["findings"].as_array().unwrap();
    assert!(has(&errors["findings"], "R30") && all.iter().all(|finding| finding["severity"] == "error"), "{errors}");
    door.patch("nodes/bts1", &json!({ "fault_domain": "rack-a" })).await.ok();
    door.get("advice?severity=loud").await.refused(400, "bad-request");

    let wrong = door.post("advice/waivers", &json!({ "rule": "R30", "reason": "x" })).await.findings();
    assert_eq!(wrong, [("/for".to_owned(), "missing_field".to_owned())]);
    let wrong = door.post("advice/waivers", &json!({ "rule": "thirty", "reason": "x", "for": "1h" })).await.findings();
    assert_eq!(wrong[0].0, "/rule");
}
