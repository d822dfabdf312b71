//! Has the document the right shape? Fields, types, words and ranges, each mistake with its place.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::{Value, json};

use super::schema::{COMMON_FIELDS, RESOURCE_TYPES, components};
use super::token;
use crate::domain::name::{NAME_PATTERN, check_name};
use crate::domain::{Dependency, Finding, HumanDuration};

static SCHEMAS: LazyLock<Value> = LazyLock::new(|| json!({ "components": { "schemas": components() } }));
static DOCUMENT: LazyLock<Option<Validator>> = LazyLock::new(|| validator("TopologySpec"));
static GROUP: LazyLock<Option<Validator>> = LazyLock::new(|| validator("GroupSpec"));
static COMMON: LazyLock<Option<Validator>> = LazyLock::new(|| validator(COMMON_FIELDS));
/// By the word of `type`.
type ByType = Vec<(&'static str, Option<Validator>)>;

static RESOURCES: LazyLock<ByType> =
    LazyLock::new(|| RESOURCE_TYPES.iter().map(|t| (t.word, validator(t.resource))).collect());
static RUNS: LazyLock<ByType> = LazyLock::new(|| RESOURCE_TYPES.iter().map(|t| (t.word, validator(t.run))).collect());

/// None only if the schemas are broken, which a test excludes.
fn validator(name: &str) -> Option<Validator> {
    let mut root = SCHEMAS.clone();
    root["$ref"] = Value::String(format!("#/components/schemas/{name}"));
    jsonschema::options()
        .should_validate_formats(true)
        .with_format("human-duration", |text: &str| text.parse::<HumanDuration>().is_ok())
        .with_format("dependency", |text: &str| text.parse::<Dependency>().is_ok())
        .with_format("uri", |_: &str| true) // addresses have rules of their own, with better words
        .build(&root)
        .ok()
}

/// Every finding about the document's shape.
pub(super) fn check(document: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    run(DOCUMENT.as_ref(), document, "", &mut findings);
    for (g, group) in list(document, "groups").iter().enumerate() {
        check_resources(group, &format!("/groups/{g}"), &mut findings);
    }
    for (h, host) in list(document, "hosts").iter().enumerate() {
        if let Some(run) = host.get("run").filter(|run| run.is_object()) {
            check_type(run, &format!("/hosts/{h}/run"), ("host's `run`", &RUNS, None), &mut findings);
        }
    }
    findings
}

/// Every finding about a group's shape, by itself.
pub(super) fn check_group(group: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    run(GROUP.as_ref(), group, "", &mut findings);
    check_resources(group, "", &mut findings);
    findings
}

fn check_resources(group: &Value, at: &str, findings: &mut Vec<Finding>) {
    for (r, resource) in list(group, "resources").iter().enumerate().filter(|(_, resource)| resource.is_object()) {
        let at = format!("{at}/resources/{r}");
        check_type(resource, &at, ("resource", &RESOURCES, COMMON.as_ref()), findings);
    }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Checks what has a `type` by that; without a known one, by what all have in common.
fn check_type(
    value: &Value,
    at: &str,
    (what, by_type, common): (&str, &ByType, Option<&Validator>),
    findings: &mut Vec<Finding>,
) {
    let known = by_type.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    let word = value.get("type");
    if let Some((_, validator)) = by_type.iter().find(|(name, _)| word.and_then(Value::as_str) == Some(*name)) {
        return run(validator.as_ref(), value, at, findings);
    }
    let (code, detail) = match word {
        None => ("missing_field", format!("a {what} needs a `type`; known types: {known}")),
        Some(Value::String(word)) => {
            ("unknown_value", format!("{word:?} is not a type of {what}; known types: {known}"))
        }
        Some(other) => ("wrong_type", format!("`type` is a text, not {}; known types: {known}", described(other))),
    };
    findings.push(Finding::new(format!("{at}/type"), code, detail));
    if common.is_some() {
        run(common, value, at, findings);
    }
}

fn run(validator: Option<&Validator>, value: &Value, at: &str, findings: &mut Vec<Finding>) {
    match validator {
        Some(validator) => validator.iter_errors(value).for_each(|error| explain(&error, at, findings)),
        None => findings.push(Finding::new(at, "wrong_type", "this version's schema of topologies can't be compiled")),
    }
}

fn explain(error: &ValidationError<'_>, base: &str, findings: &mut Vec<Finding>) {
    let at = format!("{base}{}", error.instance_path().as_str());
    let value = error.instance().as_ref();
    let mut add = |pointer: &str, code: &str, detail: String| findings.push(Finding::new(pointer, code, detail));
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let known = known_fields(error);
            for field in unexpected {
                add(&format!("{at}/{}", token(field)), "unknown_field", unknown_field(field, &known));
            }
        }
        Kind::Required { property } => {
            let field = property.as_str().unwrap_or_default();
            add(&format!("{at}/{}", token(field)), "missing_field", format!("the field `{field}` is needed here"));
        }
        Kind::Type { kind } => add(&at, "wrong_type", wrong_type(error, kind, value)),
        Kind::Enum { options } => {
            let words: Vec<_> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
            add(&at, "unknown_value", format!("{value} is not known here; use one of {}", words.join(", ")));
        }
        Kind::Pattern { pattern } if pattern == NAME_PATTERN => add(&at, "bad_name", bad_name(value)),
        Kind::MaxLength { .. }
            if schema_of(error).is_some_and(|schema| schema.get("pattern") == Some(&json!(NAME_PATTERN))) =>
        {
            add(&at, "bad_name", bad_name(value));
        }
        Kind::MaxLength { limit } => add(&at, "out_of_range", format!("this text is longer than {limit} characters")),
        Kind::MinLength { .. } => add(&at, "out_of_range", "this text must not be empty".to_owned()),
        Kind::Pattern { pattern } => add(&at, "bad_text", bad_text(&at, pattern, value)),
        Kind::MaxItems { limit } => add(&at, "out_of_range", format!("this list has more than {limit} items")),
        Kind::Format { format } => {
            let (code, detail) = bad_format(format, value);
            add(&at, code, detail);
        }
        Kind::MinItems { .. } => add(&at, "empty_list", empty_list(&at)),
        Kind::Minimum { limit } => add(&at, "out_of_range", format!("{value} is too small; at least {limit} is right")),
        Kind::Maximum { limit } => add(&at, "out_of_range", format!("{value} is too large; at most {limit} is right")),
        _ => add(&at, "wrong_type", error.to_string()),
    }
}

fn bad_format(format: &str, value: &Value) -> (&'static str, String) {
    let text = value.as_str().unwrap_or_default();
    match format {
        "date-time" => ("bad_time", format!("{value} is not a time; write it like \"2026-01-31T18:00:00Z\"")),
        "dependency" => {
            let reason = text.parse::<Dependency>().err();
            ("bad_dependency", reason.unwrap_or_else(|| format!("{value} is not a dependency like \"ip and disk\"")))
        }
        _ => {
            let reason = text.parse::<HumanDuration>().err();
            ("bad_duration", reason.unwrap_or_else(|| format!("{value} is not a duration like \"10s\"")))
        }
    }
}

fn bad_name(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match check_name(text) {
        Err(reason) => format!("{text:?} is not a name: {reason}"),
        Ok(()) => format!("{text:?} is not a name"),
    }
}

fn bad_text(at: &str, pattern: &str, value: &Value) -> String {
    match at.rsplit('/').next() {
        Some("agent") => {
            format!("{value} is not a resource agent; write its provider and name, like \"heartbeat:IPaddr2\"")
        }
        Some("rule") => format!("{value} is not the id of a rule; write it like \"R33\""),
        _ => format!("{value} does not match {pattern}"),
    }
}

fn empty_list(at: &str) -> String {
    match at.rsplit('/').next() {
        Some("possible_owners") => {
            "an empty list of possible owners allows no node; leave the field away to allow every node".to_owned()
        }
        _ => "the command is empty; name the program and its arguments, like [\"/opt/receive/run\", \"--fast\"]"
            .to_owned(),
    }
}

/// What the schema says of the value that failed: the parent of the failing keyword.
fn schema_of(error: &ValidationError<'_>) -> Option<&'static Value> {
    let path = error.schema_path().as_str();
    let path = &path[path.find("/components/schemas/")?..];
    SCHEMAS.pointer(path.rsplit_once('/')?.0)
}

fn known_fields(error: &ValidationError<'_>) -> Vec<&'static str> {
    let fields = schema_of(error).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    fields.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn unknown_field(field: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|name| (distance(field, name), *name)).min();
    match nearest {
        Some((steps, name)) if steps <= 2.max(field.chars().count() / 3) => {
            format!("there is no field `{field}` here; did you mean `{name}`?")
        }
        Some(_) => format!("there is no field `{field}` here; known fields: {}", known.join(", ")),
        None => format!("there is no field `{field}` here"),
    }
}

fn wrong_type(error: &ValidationError<'_>, kind: &jsonschema::error::TypeKind, value: &Value) -> String {
    if schema_of(error).and_then(|schema| schema.get("format")) == Some(&json!("human-duration")) {
        return format!("a duration is a text with its unit, like \"500ms\" or \"10s\", not {}", described(value));
    }
    let wanted = match kind {
        jsonschema::error::TypeKind::Single(wanted) => wanted.to_string(),
        jsonschema::error::TypeKind::Multiple(_) => "value of another type".to_owned(),
    };
    let wanted = match wanted.as_str() {
        "string" => "a text",
        "object" => "an object with fields",
        "array" => "a list",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        other => other,
    };
    format!("this must be {wanted}, not {}", described(value))
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(_) => format!("the text {value}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// In bytes; whoever sends more has not mistyped a name, and to compare it takes long.
const LONGEST_NAME: usize = 128;

/// How many letters must be added, removed or replaced to make `a` of `b`; of what is no name, only that it is far.
pub(super) fn distance(a: &str, b: &str) -> usize {
    if a.len().max(b.len()) > LONGEST_NAME {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
