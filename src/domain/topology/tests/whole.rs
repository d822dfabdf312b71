//! The same for hosts, handlers, placement rules, common dependencies and waivers.

use serde_json::{Value, json};

use super::{found, parse, with};

fn good() -> Value {
    json!({
        "cluster": "integration",
        "policy": { "quarantine": { "losses": 2, "period": "1h" }, "brake": { "hold": "1m" } },
        "nodes": [
            { "name": "bts1", "agent": "http://10.0.0.11:7441", "fault_domain": "a", "software": { "group": "g" } },
            { "name": "bts2", "agent": "http://10.0.0.12:7441" },
            { "name": "bts3", "agent": "http://10.0.0.13:7441" }
        ],
        "groups": [
            {
                "name": "ftp", "preferred_owners": ["bts2", "bts3"], "anti_affinity": ["heavy"],
                "failback": { "policy": "window", "start": 22, "end": 6, "time_zone": "Europe/Berlin" },
                "depends_on": ["base"], "common_dependencies": ["database"],
                "resources": [
                    { "name": "ip", "type": "ocf", "agent": "heartbeat:IPaddr2", "properties": { "ip": "10.0.0.1" } },
                    { "name": "name", "type": "systemd", "unit": "name@ftp.service", "class": "network_name" },
                    { "name": "disk", "type": "process", "command": ["disk"], "depends_on": "ip or name" }
                ]
            },
            { "name": "base", "maintenance": maintenance() },
            { "name": "data", "resources": [{ "name": "sql", "type": "systemd", "unit": "sql.service" }] }
        ],
        "hosts": [
            {
                "name": "Ftp", "clustered_in": "ftp", "depends_on": "disk and ip", "default": true,
                "instances": [{ "node": "bts1" }, { "node": "bts2" }, { "node": "bts3", "disabled": true }],
                "run": { "type": "process", "command": ["ftp"] }, "restart": { "profile": "legacy" }
            },
            { "name": "Base", "clustered_in": "base", "instances": [{ "node": "bts1" }] },
            { "name": "Free", "instances": [{ "node": "bts1" }] }
        ],
        "handlers": [
            { "name": "in", "adapter": "ftp", "direction": "receive", "host": "Ftp" },
            { "name": "out", "adapter": "ftp", "direction": "send", "host": "Free" }
        ],
        "common_dependencies": [
            { "name": "database", "kind": "database", "resource": { "group": "data", "name": "sql" } },
            { "name": "base", "resource": { "group": "base", "name": "Base" }, "down": maintenance() }
        ],
        "waivers": [waiver("R05", "hosts/Ftp"), waiver("R05", "groups/ftp/resources/ip"), waiver("G01", "cluster")],
        "maintenance": maintenance()
    })
}

fn maintenance() -> Value {
    json!({ "owner": "ops", "reason": "new disks", "until": "2030-01-01T00:00:00Z" })
}

fn waiver(rule: &str, object: &str) -> Value {
    json!({
        "rule": rule, "object": object, "actor": "ops", "reason": "known", "expires": "2030-01-01T00:00:00Z"
    })
}

/// Each row: what is replaced, by what, the pointer of the one finding, its code.
fn check(table: &[(&str, Value, &str, &str)]) {
    assert_eq!(found(&good()), []);
    let mut wrong = Vec::new();
    for (pointer, value, expected, code) in table {
        let mut document = good();
        with(&mut document, pointer, value.clone());
        if found(&document) != [((*expected).to_owned(), (*code).to_owned())] {
            wrong.push(format!("{pointer} = {value}: {:#?}", parse(&document)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hosts_and_handlers() {
    let many = json!([{ "node": "bts1" }, { "node": "bts2" }, { "node": "bts1", "disabled": true }]);
    let off = json!([{ "node": "bts2", "disabled": true }, { "node": "bts3", "disabled": true }]);
    check(&[
        ("/hosts/-", json!({ "name": "Free" }), "/hosts/3/name", "duplicate_name"),
        ("/hosts/-", json!({ "name": "a".repeat(64) }), "/hosts/3/name", "bad_name"),
        ("/hosts/2/kind", json!("in-process"), "/hosts/2/kind", "unknown_value"),
        ("/hosts/2/trused", json!(true), "/hosts/2/trused", "unknown_field"),
        ("/hosts/0/clustered_in", json!("ftq"), "/hosts/0/clustered_in", "dangling_reference"),
        ("/hosts/1/clustered_in", json!("ftq"), "/hosts/1/clustered_in", "dangling_reference"),
        ("/hosts/0/instances/0/node", json!("bts9"), "/hosts/0/instances/0/node", "dangling_reference"),
        ("/hosts/0/instances/-", json!({ "node": "bts1" }), "/hosts/0/instances/3/node", "duplicate_instance"),
        ("/hosts/2/instances", many, "/hosts/2/instances/2/node", "duplicate_instance"),
        ("/hosts/1/instances", json!([]), "/hosts/1/instances", "no_possible_owner"),
        ("/hosts/1/instances", json!("(removed)"), "/hosts/1/instances", "no_possible_owner"),
        ("/hosts/1/instances", off, "/hosts/1/instances", "no_possible_owner"),
        ("/hosts/1/name", json!("sql"), "/common_dependencies/1/resource/name", "dangling_reference"),
        ("/hosts/2/depends_on", json!("ip"), "/hosts/2/depends_on", "no_effect"),
        ("/hosts/2/pending_timeout", json!("2h"), "/hosts/2/pending_timeout", "out_of_range"),
        ("/hosts/2/restart", json!({ "retry_after": "1m" }), "/hosts/2/restart/retry_after", "timer_inequality"),
        ("/hosts/0/restart/profile", json!("old"), "/hosts/0/restart/profile", "unknown_value"),
        ("/hosts/0/run/command", json!([]), "/hosts/0/run/command", "empty_list"),
        ("/hosts/0/run/stop_timeout", json!("1h"), "/hosts/0/run/stop_timeout", "out_of_range"),
        ("/hosts/0/run", json!({ "type": "systemd", "unit": "a" }), "/hosts/0/run/unit", "bad_unit"),
        ("/hosts/0/run", json!({ "type": "unspecified" }), "/hosts/0/run/type", "unknown_value"),
        ("/handlers/1/name", json!("in"), "/handlers/1/name", "duplicate_name"),
        ("/handlers/1/host", json!("Fre"), "/handlers/1/host", "dangling_reference"),
        ("/handlers/1/adapter", json!("ftps"), "/handlers/1/adapter", "unknown_value"),
        ("/handlers/1/options", json!({ "queue": "near" }), "/handlers/1/options/queue", "unknown_value"),
    ]);
}

#[test]
fn resources_and_what_they_depend_on() {
    let r = "/groups/0/resources";
    let at = |tail: &str| format!("{r}/{tail}");
    let (ip, disk) = (at("0/depends_on"), at("2/depends_on"));
    check(&[
        (&ip, json!("dsk"), &ip, "dangling_reference"),
        (&ip, json!("ip"), &ip, "circular_dependency"),
        (&ip, json!("name and disk"), &ip, "circular_dependency"),
        (&ip, json!("Ftp"), &ip, "circular_dependency"),
        (&at("1/depends_on"), json!("Ftp"), &at("1/depends_on"), "circular_dependency"),
        (&disk, json!("ip and"), &disk, "bad_dependency"),
        ("/hosts/0/depends_on", json!("disc"), "/hosts/0/depends_on", "dangling_reference"),
        ("/hosts/0/depends_on", json!("Ftp"), "/hosts/0/depends_on", "circular_dependency"),
        ("/hosts/0/depends_on", json!("Base"), "/hosts/0/depends_on", "dangling_reference"),
        (&at("0/type"), json!("unspecified"), &at("0/type"), "unknown_value"),
        (&at("0/agent"), json!("IPaddr2"), &at("0/agent"), "bad_text"),
        (&at("0/properties"), json!({ "": "x" }), &at("0/properties/"), "bad_property"),
        (&at("0/properties"), json!({ "a/=": "x" }), &at("0/properties/a~1="), "bad_property"),
        (&at("1/unit"), json!("name"), &at("1/unit"), "bad_unit"),
        (&at("1/unit"), json!("a b.service"), &at("1/unit"), "bad_unit"),
        (&at("1/unit"), json!("name@.service"), &at("1/unit"), "bad_unit"),
        (&at("1/unit"), json!("--root.service"), &at("1/unit"), "bad_unit"),
        (&at("1/unit"), json!(".service"), &at("1/unit"), "bad_unit"),
    ]);
    // A host's name is that of a resource of its group, not of another's.
    let mut document = good();
    with(&mut document, "/hosts/0/name", json!("ip"));
    with(&mut document, "/handlers/0/host", json!("ip"));
    with(&mut document, "/hosts/0/depends_on", json!("disk"));
    assert_eq!(found(&document), [("/hosts/0/name".to_owned(), "duplicate_name".to_owned())]);
    with(&mut document, "/hosts/0/name", json!("sql"));
    with(&mut document, "/handlers/0/host", json!("sql"));
    assert_eq!(found(&document), []);
}

#[test]
fn groups_and_where_they_run() {
    let back = "/groups/0/failback";
    let at = |tail: &str| format!("{back}/{tail}");
    let (start, end, zone) = (at("start"), at("end"), at("time_zone"));
    let owners = "/groups/0/resources/0/possible_owners";
    check(&[
        (&start, json!("(removed)"), &start, "missing_field"),
        (&end, json!("(removed)"), &end, "missing_field"),
        (&end, json!(22), &end, "out_of_range"),
        (&end, json!(24), &end, "out_of_range"),
        (&zone, json!("Europe/Berlyn"), &zone, "unknown_time_zone"),
        (back, json!({ "policy": "immediate", "end": 3 }), &end, "no_effect"),
        (back, json!({ "time_zone": "UTC" }), &zone, "no_effect"),
        (&at("policy"), json!("later"), &at("policy"), "unknown_value"),
        ("/groups/0/priority", json!("highest"), "/groups/0/priority", "unknown_value"),
        ("/groups/0/anti_affinity/-", json!("heavy"), "/groups/0/anti_affinity/1", "duplicate_name"),
        ("/groups/0/anti_affinity/0", json!("a b"), "/groups/0/anti_affinity/0", "bad_name"),
        ("/groups/0/depends_on/-", json!("bas"), "/groups/0/depends_on/1", "dangling_reference"),
        ("/groups/0/depends_on/-", json!("base"), "/groups/0/depends_on/1", "duplicate_name"),
        ("/groups/0/depends_on/-", json!("ftp"), "/groups/0/depends_on/1", "circular_dependency"),
        ("/groups/1/depends_on", json!(["data", "ftp"]), "/groups/0/depends_on/0", "circular_dependency"),
        ("/groups/0/common_dependencies/-", json!("db"), "/groups/0/common_dependencies/1", "dangling_reference"),
        ("/groups/0/common_dependencies/-", json!("database"), "/groups/0/common_dependencies/1", "duplicate_name"),
        ("/groups/1/common_dependencies", json!(["base"]), "/groups/1/common_dependencies/0", "circular_dependency"),
        (owners, json!(["bts1", "bts2"]), "/groups/0/preferred_owners/1", "impossible_owner"),
        (owners, json!(["bts3"]), "/groups/0", "no_possible_owner"),
        ("/groups/1/preferred_owners", json!(["bts1", "bts2"]), "/groups/1/preferred_owners/1", "impossible_owner"),
        ("/policy/quarantine/period", json!("0s"), "/policy/quarantine/period", "out_of_range"),
        ("/policy/quarantine/losses", json!(101), "/policy/quarantine/losses", "out_of_range"),
        ("/policy/quarantine/duration", json!("2000h"), "/policy/quarantine/duration", "out_of_range"),
        ("/policy/retention", json!("23h"), "/policy/retention", "out_of_range"),
        ("/policy/retention", json!("87601h"), "/policy/retention", "out_of_range"),
        ("/policy/brake/hold", json!("25h"), "/policy/brake/hold", "out_of_range"),
        ("/policy/brake/nodes", json!(1), "/policy/brake/nodes", "out_of_range"),
        ("/policy/anti_affinity", json!("hard"), "/policy/anti_affinity", "unknown_value"),
        ("/nodes/0/fault_domain", json!(""), "/nodes/0/fault_domain", "out_of_range"),
        ("/nodes/0/software/group", json!(" "), "/nodes/0/software/group", "out_of_range"),
        ("/nodes/0/software/edition", json!("pro"), "/nodes/0/software/edition", "unknown_value"),
    ]);
}

#[test]
fn common_dependencies_waivers_and_maintenance() {
    let d = "/common_dependencies";
    let at = |tail: &str| format!("{d}/{tail}");
    check(&[
        (&at("1/name"), json!("database"), &at("1/name"), "duplicate_name"),
        (&at("0/kind"), json!("db"), &at("0/kind"), "unknown_value"),
        (&at("0/resource/group"), json!("date"), &at("0/resource/group"), "dangling_reference"),
        (&at("0/resource/name"), json!("sq"), &at("0/resource/name"), "dangling_reference"),
        (&at("1/down/reason"), json!(""), &at("1/down/reason"), "out_of_range"),
        (&at("1/down/owner"), json!("  "), &at("1/down/owner"), "out_of_range"),
        (&at("1/down/until"), json!("soon"), &at("1/down/until"), "bad_time"),
        ("/waivers/0/rule", json!("33"), "/waivers/0/rule", "bad_text"),
        ("/waivers/0/object", json!("host/Ftp"), "/waivers/0/object", "bad_object"),
        ("/waivers/0/object", json!("hosts/"), "/waivers/0/object", "bad_object"),
        ("/waivers/1/object", json!("hosts/Ftp"), "/waivers/1", "duplicate_waiver"),
        ("/waivers/0/actor", json!(" "), "/waivers/0/actor", "out_of_range"),
        ("/waivers/0/expires", json!("(removed)"), "/waivers/0/expires", "missing_field"),
        ("/maintenance/reason", json!(" "), "/maintenance/reason", "out_of_range"),
        ("/groups/1/maintenance/owner", json!(""), "/groups/1/maintenance/owner", "out_of_range"),
    ]);
}

#[test]
fn a_group_runs_something_and_sentences_say_what_stands_in_the_way() {
    let detail = |document: &Value, code: &str| {
        let findings = parse(document).unwrap_err();
        findings.into_iter().find(|finding| finding.code == code).unwrap().detail
    };
    let mut document = good();
    with(&mut document, "/hosts/1/clustered_in", json!("data"));
    assert!(found(&document).contains(&("/groups/1/resources".to_owned(), "empty_list".to_owned())));

    let mut document = good();
    with(&mut document, "/groups/0/resources/0/possible_owners", json!(["bts3"]));
    let said = detail(&document, "no_possible_owner");
    assert!(said.contains(r#"the resource "ip" allows bts3"#), "{said}");
    assert!(said.contains(r#"the host "Ftp" has enabled instances on bts1, bts2"#), "{said}");

    let mut document = good();
    with(&mut document, "/groups/1/preferred_owners", json!(["bts2"]));
    let said = detail(&document, "impossible_owner");
    assert!(said.contains(r#"the host "Base" has no instance there"#), "{said}");

    let mut document = good();
    with(&mut document, "/groups/1/depends_on", json!(["ftp"]));
    let said = detail(&document, "circular_dependency");
    assert!(said.contains("waits for the next: ftp, base, ftp"), "{said}");
}

#[test]
fn a_mistake_in_one_part_hides_none_in_another() {
    let mut document = good();
    with(&mut document, "/hosts/0/trusted", json!(1));
    with(&mut document, "/hosts/0/restart", json!({ "retry_after": "1m" }));
    with(&mut document, "/hosts/0/run/command", json!([""]));
    with(&mut document, "/hosts/0/depends_on", json!("disc"));
    with(&mut document, "/groups/0/priority", json!("x"));
    with(&mut document, "/groups/0/resources/1/critical", json!("x"));
    with(&mut document, "/groups/0/resources/1/unit", json!("x"));
    with(&mut document, "/policy/brake", json!(1));
    with(&mut document, "/policy/quarantine/period", json!("0s"));
    with(&mut document, "/handlers", json!({}));
    let codes: Vec<_> = found(&document).into_iter().map(|(at, code)| format!("{at} {code}")).collect();
    let expected = [
        "/groups/0/priority unknown_value",
        "/groups/0/resources/1/critical wrong_type",
        "/groups/0/resources/1/unit bad_unit",
        "/handlers wrong_type",
        "/hosts/0/depends_on dangling_reference",
        "/hosts/0/restart/retry_after timer_inequality",
        "/hosts/0/run/command/0 bad_command",
        "/hosts/0/trusted wrong_type",
        "/policy/brake wrong_type",
        "/policy/quarantine/period out_of_range",
    ];
    assert_eq!(codes, expected);
    // What can't be read is no list of names to refer to.
    let mut document = good();
    with(&mut document, "/groups", json!(1));
    with(&mut document, "/nodes", json!(1));
    with(&mut document, "/hosts", json!(1));
    with(&mut document, "/common_dependencies", json!(1));
    assert_eq!(found(&document).len(), 4);
}
