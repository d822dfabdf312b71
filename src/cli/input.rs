//! Which document did the person give, and where in it is what is wrong?

use std::io::Read;
use std::path::Path;

use super::document::Document;
use super::exit::Failure;
use crate::client::control_plane::CallError;
use crate::domain::{Finding, TopologySpec, topology};

/// A document and the name by which the person knows it.
#[derive(Debug)]
pub struct Input {
    name: String,
    pub document: Document,
}

impl Input {
    /// Reads YAML or JSON from a file, or from standard input for `-`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let (name, text) = Self::text(path)?;
        Self::parse(name, &text)
    }

    /// The name by which the person knows it, and what stands in it.
    pub fn text(path: &Path) -> Result<(String, String), Failure> {
        if path == Path::new("-") {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|e| Failure::Failed(format!("can't read standard input: {e}")))?;
            Ok(("standard input".to_owned(), text))
        } else {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| Failure::Failed(format!("can't read {name}: {e}")))?;
            Ok((name, text))
        }
    }

    /// `name` stands in front of every line number.
    pub fn parse(name: String, text: &str) -> Result<Self, Failure> {
        match Document::parse(text) {
            Ok(document) => Ok(Self { name, document }),
            Err(e) => Err(Failure::Failed(format!("{name}:{}:{}: {}", e.line, e.column, e.message))),
        }
    }

    /// The topology that the document describes, by the same rules as the server's.
    pub fn topology(&self) -> Result<TopologySpec, Failure> {
        topology::parse(&self.document.value).map_err(|findings| self.refused(&findings))
    }

    /// A refusal with the line of every finding.
    pub fn refused(&self, findings: &[Finding]) -> Failure {
        let count = findings.len();
        let noun = if count == 1 { "finding" } else { "findings" };
        let lines: String = findings.iter().map(|finding| format!("\n{}", self.locate(finding))).collect();
        Failure::Failed(format!("the document has {count} {noun}; nothing was changed{lines}"))
    }

    /// What the server refused, with lines where it is about the document.
    pub fn explain(&self, error: CallError) -> Failure {
        match error {
            CallError::Refused(problem) if !problem.errors.is_empty() => self.refused(&problem.errors),
            other => other.into(),
        }
    }

    fn locate(&self, finding: &Finding) -> String {
        let line = self.document.line_of(&finding.pointer).map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {} [{} at {}]", self.name, finding.detail, finding.code, pointer_or_root(&finding.pointer))
    }
}

fn pointer_or_root(pointer: &str) -> &str {
    if pointer.is_empty() { "the whole document" } else { pointer }
}
