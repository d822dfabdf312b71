//! Which problem types can each refusal be, and how do they look?

use serde_json::{Map, Value, json};

/// A kind of problem: the end of its type, its title, an example of its sentence, and what it has beside that.
struct Kind {
    kind: &'static str,
    title: &'static str,
    detail: &'static str,
    more: fn() -> Value,
}

const fn kind(kind: &'static str, title: &'static str, detail: &'static str) -> Kind {
    Kind { kind, title, detail, more: || json!({}) }
}

fn findings() -> Value {
    json!({ "errors": [{ "pointer": "/preferred_owners/0", "code": "dangling_reference",
        "detail": "there is no node \"bts9\"; the nodes are bts1, bts2" }] })
}

fn rules() -> Value {
    json!({ "errors": [{ "pointer": "/clustered_in", "code": "R30",
        "detail": "FtpReceive fetches files by ftp and has two enabled instances: files are fetched twice" }] })
}

fn both() -> Value {
    json!({ "expected": "\"7\"", "actual": "\"9\"" })
}

/// The problems of a status, of calls with this path and method.
fn of_status(status: &str, path: &str, method: &str) -> Vec<Kind> {
    let mut kinds = match status {
        "400" => {
            vec![kind("bad-request", "The request can't be read", "limit is a whole number from 1 to 1000, not \"0\"")]
        }
        "404" => vec![kind("not-found", "There is no such thing", "there is no group \"ftp\"")],
        "409" => {
            let detail = "bts1 answers, so it is not down: drain it if nothing should run there";
            vec![kind("conflict", "This can't be done now", detail)]
        }
        "412" => {
            let detail = "you expected generation 7, but the generation is 9; read it again, then decide";
            vec![Kind { more: both, ..kind("precondition-failed", "It changed meanwhile", detail) }]
        }
        "408" => vec![kind("too-slow", "The body comes too slowly", "the body did not come within 60 s")],
        "413" => vec![kind("too-large", "The body is too large", "the body is larger than 32 MiB")],
        "415" => {
            let detail = "send the body as JSON, with the header content-type: application/json";
            vec![kind("unsupported-media-type", "The body is not JSON", detail)]
        }
        "422" => {
            let detail = "one thing is wrong: there is no node \"bts9\"; the nodes are bts1, bts2";
            let broken =
                "rule R30: FtpReceive fetches files by ftp and has two enabled instances: files are fetched twice";
            let title = "It would break a rule that no waiver covers";
            vec![
                Kind { more: findings, ..kind("invalid", "What was sent is not valid", detail) },
                kind("refused", "A rule refuses this", "group ftp still runs on bts1: take it offline first"),
                Kind { more: rules, ..kind("rule-broken", title, broken) },
            ]
        }
        "428" => {
            let detail = "this cluster takes writes only from who says what is to be overwritten: send If-Match";
            let actual = || json!({ "actual": "\"9\"" });
            vec![Kind { more: actual, ..kind("precondition-required", "Say what you expect to find", detail) }]
        }
        "500" => {
            let detail = "something went wrong here, not in your request; the server's log says what";
            vec![kind("internal", "An error of the server", detail)]
        }
        "503" => {
            let detail = "cluster integration was not looked at yet";
            vec![kind("unavailable", "Not available at the moment", detail)]
        }
        _ => Vec::new(),
    };
    if status == "404" && path.ends_with("/active") {
        kinds.push(kind("not-active", "It is not active there", "group ftp-receive is active on bts2, not on bts1"));
    }
    if status == "422" && method == "post" {
        let detail = "the Idempotency-Key \"k-17\" came with another call within the last 24 hours";
        kinds.push(kind("key-reused", "The key belongs to another call", detail));
    }
    kinds
}

/// Gives every refusal an example of each problem that it can be.
pub fn explain(document: &mut Value, types: &str) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let calls = paths.iter_mut().flat_map(|(path, calls)| {
        calls.as_object_mut().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    });
    for (path, method, operation) in calls {
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, response) in responses {
            let Some(content) = response.pointer_mut("/content/application~1problem+json") else { continue };
            let examples = of_status(status, path, method).into_iter().map(|kind| {
                let value = problem(&kind, status, types);
                (kind.kind.to_owned(), json!({ "summary": kind.title, "value": value }))
            });
            content["examples"] = Value::Object(examples.collect::<Map<_, _>>());
        }
    }
}

fn problem(kind: &Kind, status: &str, types: &str) -> Value {
    let mut problem = json!({
        "type": format!("{types}{}", kind.kind), "title": kind.title, "status": status.parse().unwrap_or(500),
        "detail": kind.detail,
    });
    if let (Value::Object(more), Some(fields)) = ((kind.more)(), problem.as_object_mut()) {
        fields.extend(more);
    }
    problem
}
