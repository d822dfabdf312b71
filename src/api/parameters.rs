//! What may a caller say beside a body? What the document says of the call: nothing else in the query, nothing twice, and as it
//! is written there. What nobody reads would be a wish that nobody grants, `dry_run` and `If-Match` above all.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, Method, header};
use jiff::Timestamp;
use serde_json::Value;

use super::problem::ApiError;

/// What every call takes, by its path and method as the document spells them.
pub struct Parameters(BTreeMap<(String, String), Call>);

struct Call {
    query: BTreeMap<String, Form>,
    takes_if_match: bool,
    /// Whether it may be refused for what is there.
    is_conditional: bool,
}

/// How a value is written, as far as one sentence can say it. The others are read by whoever takes them.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Whole { least: u64, most: u64 },
    Boolean,
    OneOf(Vec<String>),
    Time,
    Other,
}

impl Parameters {
    pub fn of(document: &Value) -> Self {
        let operations = document["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| ((path.clone(), method.clone()), operation))
        });
        Self(operations.map(|(at, operation)| (at, Call::of(operation, document))).collect())
    }

    /// Refuses what the call does not take. Calls that the document does not know take anything.
    pub fn check(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Result<(), ApiError> {
        let reads = [Method::GET, Method::HEAD].contains(method);
        let method = if reads { "get".to_owned() } else { method.as_str().to_ascii_lowercase() };
        let Some(call) = self.0.get(&(path.to_owned(), method)) else { return Ok(()) };
        if !reads && !call.takes_if_match && headers.contains_key(header::IF_MATCH) {
            return Err(ApiError::bad_request("this call takes no If-Match: nothing is there that it would overwrite"));
        }
        if !reads && !call.is_conditional && headers.contains_key(header::IF_NONE_MATCH) {
            return Err(ApiError::bad_request("this call takes no If-None-Match: it creates nothing"));
        }
        call.check(query)
    }
}

impl Call {
    fn of(operation: &Value, document: &Value) -> Self {
        let all = || operation["parameters"].as_array().into_iter().flatten();
        let query = all().filter(|parameter| parameter["in"] == "query");
        let query =
            query.filter_map(|one| Some((one["name"].as_str()?.to_owned(), Form::of(&one["schema"], document))));
        let takes_if_match = all().any(|parameter| parameter["name"] == "If-Match");
        Self { query: query.collect(), takes_if_match, is_conditional: !operation["responses"]["412"].is_null() }
    }

    fn check(&self, query: &str) -> Result<(), ApiError> {
        let mut seen = BTreeSet::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let form = self.query.get(&*name).ok_or_else(|| ApiError::bad_request(unknown(&name, &self.query)))?;
            if let Some(right) = form.wrong(&value) {
                return Err(ApiError::bad_request(format!("{name} is {right}, not {value:?}")));
            }
            if !seen.insert(name.clone()) {
                return Err(ApiError::bad_request(format!("{name} is given twice: give it once")));
            }
        }
        Ok(())
    }
}

fn unknown(name: &str, known: &BTreeMap<String, Form>) -> String {
    if known.is_empty() {
        return format!("this call takes no parameters, and so not {name:?}");
    }
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    format!("this call has no parameter {name:?}; it takes {}", known.join(", "))
}

impl Form {
    fn of(schema: &Value, document: &Value) -> Self {
        if let Some(at) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
            return document.pointer(at).map_or(Self::Other, |schema| Self::of(schema, document));
        }
        if let Some(values) = schema["enum"].as_array() {
            return Self::OneOf(values.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("boolean"), _) => Self::Boolean,
            (Some("integer"), _) => Self::Whole {
                least: schema["minimum"].as_u64().unwrap_or_default(),
                most: schema["maximum"].as_u64().unwrap_or(u64::MAX),
            },
            (Some("string"), Some("date-time")) => Self::Time,
            _ => Self::Other,
        }
    }

    /// What would be right, if this value is wrong.
    fn wrong(&self, value: &str) -> Option<String> {
        let (is_right, right) = match self {
            Self::Whole { least, most } => {
                let is_right = value.parse().is_ok_and(|number: u64| (*least..=*most).contains(&number));
                (is_right, format!("a whole number from {least} to {most}"))
            }
            Self::Boolean => (["true", "false"].contains(&value), "true or false".to_owned()),
            Self::OneOf(values) => (values.iter().any(|known| known == value), format!("one of {}", values.join(", "))),
            Self::Time => (value.parse::<Timestamp>().is_ok(), "a time, like 2026-01-31T12:00:00Z".to_owned()),
            Self::Other => return None,
        };
        (!is_right).then_some(right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::openapi;

    fn said(method: &Method, path: &str, query: &str) -> Option<String> {
        let refused = Parameters::of(&openapi()).check(method, path, query, &HeaderMap::new()).err();
        refused.map(|error| error.detail().to_owned())
    }

    #[test]
    fn what_a_call_does_not_take_is_refused_with_what_would_be_right() {
        let (nodes, failovers) = ("/v1/clusters/{cluster}/nodes", "/v1/clusters/{cluster}/failovers");
        let cancel = "/v1/operations/{id}/cancel";
        for (method, path, query, part) in [
            (Method::GET, nodes, "limt=5", "it takes cursor, fault_domain, fields, limit, name, sort, wanted"),
            (Method::HEAD, nodes, "limt=5", "no parameter \"limt\""),
            (Method::GET, nodes, "limit=abc", "limit is a whole number from 1 to 1000, not \"abc\""),
            (Method::GET, nodes, "limit=", "from 1 to 1000, not \"\""),
            (Method::GET, nodes, "limit=0", "from 1 to 1000, not \"0\""),
            (Method::GET, nodes, "limit=5&sort=name&limit=5", "limit is given twice"),
            (Method::GET, nodes, "wanted=up", "wanted is one of active, paused, drained, not \"up\""),
            (Method::GET, failovers, "since=yesterday", "since is a time, like"),
            (Method::GET, failovers, "acknowledged=1", "acknowledged is true or false, not \"1\""),
            (Method::POST, cancel, "dry_run=true", "takes no parameters, and so not \"dry_run\""),
            (Method::GET, "/healthz", "a", "takes no parameters"),
        ] {
            let said = said(&method, path, query).unwrap_or_default();
            assert!(said.contains(part), "{path}?{query}: {said:?}");
        }
    }

    #[test]
    fn what_the_document_says_is_taken() {
        for (path, query) in [
            ("/v1/clusters/{cluster}/nodes", "limit=5&name=bts*&wanted=active&sort=-name&cursor=x"),
            ("/v1/clusters/{cluster}/failovers", "since=2026-01-31T12:00:00%2B01:00&acknowledged=true&order=oldest"),
            ("/v1/clusters/{cluster}/topology", ""),
            ("/docs/{*rest}", "deepLinking=true"),
        ] {
            assert_eq!(said(&Method::GET, path, query), None, "{path}?{query}");
        }
    }
}
