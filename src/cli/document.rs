//! What does a YAML or JSON file say, and on which line does each value stand?
//!
//! Nodes are read one event at a time, not as a tree of the parser's: that one forgets duplicate keys and copies what
//! an alias names.

use std::collections::BTreeMap;

use saphyr::{Scalar, ScalarStyle};
use saphyr_parser::{Event, Marker, Parser, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

/// Deepest nesting that a file may have; no topology comes near it.
const MAX_DEPTH: usize = 32;

/// A file's content, and where each of its values stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub value: Value,
    /// By JSON pointer; lines begin with 1.
    lines: BTreeMap<String, usize>,
}

/// Why a file can't be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Begins with 1.
    pub line: usize,
    /// In characters, begins with 1.
    pub column: usize,
    pub message: String,
}

impl ParseError {
    fn new(at: &Marker, message: impl Into<String>) -> Self {
        Self { line: at.line(), column: at.col() + 1, message: message.into() }
    }
}

impl Document {
    /// Reads one YAML document; JSON is YAML.
    ///
    /// # Errors
    /// Anything that has no clear meaning as JSON: broken syntax, several documents or none, duplicate or other than
    /// text keys, anchors and aliases, tags, numbers beyond 64 bits, deep nesting.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader { events: Parser::new_from_str(text), lines: BTreeMap::new() };
        let value = reader.document()?;
        Ok(Self { value, lines: reader.lines })
    }

    /// The line of the value at `pointer` or, when the file has none, of the nearest one around it.
    pub fn line_of(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return Some(*line);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    lines: BTreeMap<String, usize>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), ParseError> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(ParseError::new(error.marker(), format!("not YAML or JSON: {}", error.info()))),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn document(&mut self) -> Result<Value, ParseError> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentStart(_) => break,
                Event::StreamEnd => return Err(ParseError::new(&span.start, "the file is empty; write a document")),
                _ => {}
            }
        }
        let (event, span) = self.next()?;
        let value = self.node(event, &span, "", 0)?;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(value),
                Event::DocumentStart(_) => {
                    return Err(ParseError::new(&span.start, "a second document begins; keep one document in a file"));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, at: &str, depth: usize) -> Result<Value, ParseError> {
        // A block's own mark is that of its first entry; a value after its key is on the key's line, noted before.
        self.lines.entry(at.to_owned()).or_insert(span.start.line());
        if depth > MAX_DEPTH {
            return Err(ParseError::new(&span.start, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_anchor(anchor, span)?;
                scalar(text, style, tag.as_deref(), span)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_anchor(anchor, span)?;
                refuse_tag(tag.as_deref(), span)?;
                self.sequence(at, depth)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_anchor(anchor, span)?;
                refuse_tag(tag.as_deref(), span)?;
                self.mapping(at, depth)
            }
            Event::Alias(_) => Err(ParseError::new(&span.start, "aliases (*name) are not read; write the value out")),
            _ => Err(ParseError::new(&span.start, "a value is missing here")),
        }
    }

    fn sequence(&mut self, at: &str, depth: usize) -> Result<Value, ParseError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let item = self.node(event, &span, &format!("{at}/{}", items.len()), depth + 1)?;
            items.push(item);
        }
    }

    fn mapping(&mut self, at: &str, depth: usize) -> Result<Value, ParseError> {
        let mut map = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(map)),
                Event::Scalar(text, style, anchor, tag) => {
                    refuse_anchor(anchor, &span)?;
                    key(scalar(text, style, tag.as_deref(), &span)?, &span)?
                }
                _ => return Err(ParseError::new(&span.start, "a key is a text, not a list, mapping or alias")),
            };
            let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            if let Some(first) = self.lines.insert(pointer.clone(), span.start.line()) {
                let message = format!("the key {key:?} is here twice, first on line {first}; remove one");
                return Err(ParseError::new(&span.start, message));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, &span, &pointer, depth + 1)?;
            map.insert(key, value);
        }
    }
}

fn key(value: Value, span: &Span) -> Result<String, ParseError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(ParseError::new(&span.start, format!("a key is a text; write {other} in quotes"))),
    }
}

fn refuse_anchor(anchor: usize, span: &Span) -> Result<(), ParseError> {
    match anchor {
        0 => Ok(()),
        _ => Err(ParseError::new(&span.start, "anchors (&name) are not read; write the value out where it is needed")),
    }
}

fn refuse_tag(tag: Option<&Tag>, span: &Span) -> Result<(), ParseError> {
    match tag.filter(|tag| !tag.is_yaml_core_schema()) {
        None => Ok(()),
        Some(tag) => Err(ParseError::new(&span.start, format!("the tag {tag} is not known; remove it"))),
    }
}

fn scalar(
    text: std::borrow::Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: &Span,
) -> Result<Value, ParseError> {
    refuse_tag(tag, span)?;
    if style == ScalarStyle::Plain && tag.is_none() {
        match &*text {
            "" | "Null" => return Ok(Value::Null),
            "True" | "TRUE" => return Ok(Value::Bool(true)),
            "False" | "FALSE" => return Ok(Value::Bool(false)),
            _ => {}
        }
    }
    let tag = tag.map(std::borrow::Cow::Borrowed);
    let unreadable = || ParseError::new(&span.start, format!("{text:?} can't be read as its tag says"));
    match Scalar::parse_from_cow_and_metadata(text.clone(), style, tag.as_ref()).ok_or_else(unreadable)? {
        Scalar::Null => Ok(Value::Null),
        Scalar::Boolean(flag) => Ok(Value::Bool(flag)),
        Scalar::Integer(number) => Ok(Value::from(number)),
        Scalar::FloatingPoint(number) => match (text.parse::<u64>(), Number::from_f64(number.into_inner())) {
            (Ok(large), _) => Ok(Value::from(large)),
            (_, Some(number)) => Ok(Value::Number(number)),
            _ => Err(ParseError::new(&span.start, format!("{text} is not a number that JSON can hold"))),
        },
        Scalar::String(text) => Ok(Value::String(text.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_those_of_the_yaml_core_schema() {
        let text = "a: 1\nb: -2.5\nc: true\nd: null\ne: ~\nf:\ng: \"1\"\nh: no\ni: 500ms\nj: [x, {y: 0x10}]\n";
        let expected = json!({
            "a": 1, "b": -2.5, "c": true, "d": null, "e": null, "f": null, "g": "1", "h": "no", "i": "500ms",
            "j": ["x", { "y": 16 }]
        });
        assert_eq!(Document::parse(text).unwrap().value, expected);
        assert_eq!(Document::parse(&expected.to_string()).unwrap().value, expected);
        assert_eq!(Document::parse("\"1\"").unwrap().value, json!("1"));
    }

    #[test]
    fn each_value_has_its_line() {
        let text = "cluster: c\nnodes:\n  - name: a\n    agent: x\n  - { name: b,\n      agent: y }\nenv/x:\n  1a: z\n";
        let document = Document::parse(text).unwrap();
        let table = [
            ("", 1),
            ("/cluster", 1),
            ("/nodes", 2),
            ("/nodes/0", 3),
            ("/nodes/0/agent", 4),
            ("/nodes/1/agent", 6),
            ("/nodes/1/missing/deep", 5),
            ("/env~1x/1a", 8),
        ];
        for (pointer, line) in table {
            assert_eq!(document.line_of(pointer), Some(line), "{pointer}");
        }
    }

    #[test]
    fn a_mistake_in_a_host_has_its_line() {
        let text = "cluster: c\nnodes: [{ name: a, agent: \"http://a:1\" }]\nhosts:\n  - name: H\n    instances:\n      \
                    - { node: a }\n      - node: b\n    run:\n      type: process\n      command:\n        - \"\"\n";
        let document = Document::parse(text).unwrap();
        let findings = crate::domain::topology::parse(&document.value).unwrap_err();
        let lines: Vec<_> = findings.iter().map(|f| (document.line_of(&f.pointer), f.pointer.as_str())).collect();
        assert_eq!(lines, [(Some(7), "/hosts/0/instances/1/node"), (Some(11), "/hosts/0/run/command/0")]);
    }

    #[test]
    fn what_has_no_clear_meaning_is_refused_with_its_line() {
        let deep = "[".repeat(100);
        let table = [
            ("", 1, "empty"),
            ("# only a comment\n", 1, "empty"),
            ("a: 1\nb: 2\na: 3\n", 3, "twice"),
            ("{\"a\": 1,\n \"a\": 2}", 2, "twice"),
            ("a: 1\n---\nb: 2\n", 2, "second document"),
            ("a: &x 1\nb: *x\n", 1, "anchors"),
            ("1: a\n", 1, "quotes"),
            ("a: 1\n[b]: c\n", 2, "key"),
            ("a: !secret b\n", 1, "tag"),
            ("a: .inf\n", 1, "number"),
            ("{\"a\": [1, 2}\n", 1, "not YAML or JSON"),
            ("a: \"open\n", 0, "not YAML or JSON"),
            (&deep, 1, "deep"),
        ];
        for (text, line, words) in table {
            let error = Document::parse(text).unwrap_err();
            assert!(error.message.contains(words), "{text}: {error}");
            assert!(line == 0 || error.line == line || words == "empty", "{text}: {error}");
        }
    }
}
