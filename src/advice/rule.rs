//! Which rules are there, and what does each look at?

use super::{RuleFinding, Severity};
use super::{adapters, checklist, document, platform, policies, proofs, queues, secret_server, single_points, timers};
use super::{fetching, hosts, topology, waived};

/// A rule that the engine decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable: waivers and callers name it.
    pub id: &'static str,
    /// How bad its findings can be, the worst first.
    pub severities: &'static [Severity],
    /// What should be, as a sentence.
    pub title: &'static str,
    /// The page that it comes from, or what in Locum it follows from.
    pub source: &'static str,
    pub looks_at: LooksAt,
}

/// What a rule needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksAt {
    /// The topology alone: it says the same of a file on a desk.
    Topology,
    /// Also what is seen of nodes and groups: it is silent where nothing is known.
    Seen,
    /// The document's text: what breaks it can't be read, and is refused.
    Document,
}

/// A rule that the engine does not decide, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unchecked {
    pub id: &'static str,
    /// What should be, as a sentence.
    pub title: &'static str,
    pub source: &'static str,
    /// What becomes of it instead: Locum keeps to it, another rule says it, or a person must check it.
    pub instead: &'static str,
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        severities: &'static [Severity],
        title: &'static str,
        source: &'static str,
    ) -> Self {
        Self { id, severities, title, source, looks_at: LooksAt::Topology }
    }

    pub(super) const fn looking_at(self, looks_at: LooksAt) -> Self {
        Self { looks_at, ..self }
    }

    pub(super) fn error(&self, objects: Vec<String>, message: String, fix: String) -> RuleFinding {
        self.finding(Severity::Error, objects, message, fix)
    }

    pub(super) fn warning(&self, objects: Vec<String>, message: String, fix: String) -> RuleFinding {
        self.finding(Severity::Warning, objects, message, fix)
    }

    pub(super) fn advice(&self, objects: Vec<String>, message: String, fix: String) -> RuleFinding {
        self.finding(Severity::Advice, objects, message, fix)
    }

    pub(super) fn finding(
        &self,
        severity: Severity,
        objects: Vec<String>,
        message: String,
        fix: String,
    ) -> RuleFinding {
        debug_assert!(self.severities.contains(&severity), "{} does not say that it can be {severity:?}", self.id);
        RuleFinding { rule: self.id.to_owned(), severity, objects, message, fix, source: self.source.to_owned() }
    }
}

/// Every rule that the engine decides, in the order of their ids.
pub fn rules() -> Vec<Rule> {
    let families = [
        topology::RULES,
        hosts::RULES,
        fetching::RULES,
        adapters::RULES,
        queues::RULES,
        secret_server::RULES,
        platform::RULES,
        single_points::RULES,
        proofs::RULES,
        policies::RULES,
        timers::RULES,
        waived::RULES,
        document::RULES,
    ];
    let mut rules: Vec<Rule> = families.concat();
    rules.sort_by_key(|rule| rule.id);
    rules
}

/// Every rule of the field that the engine does not decide, in the order of their ids.
pub const fn unchecked() -> &'static [Unchecked] {
    checklist::UNCHECKED
}
