//! What does a rule say?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{HostName, Waiver};

/// What one rule says of some objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct RuleFinding {
    /// The rule's id, `R30`.
    pub rule: String,
    pub severity: Severity,
    /// What it is about, the chief object first: `hosts/FtpReceive`, `groups/ftp/resources/ip`, `nodes/bts1`, `cluster`.
    pub objects: Vec<String>,
    /// What is wrong, as a sentence.
    pub message: String,
    /// How to mend it, as a sentence.
    pub fix: String,
    /// The page that the rule comes from, by its file's name, or what in Locum it follows from.
    pub source: String,
}

impl RuleFinding {
    /// Whether it is the same finding, however it is worded.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// By what it is told from others.
    pub(super) fn identity(&self) -> (&str, &[String]) {
        (&self.rule, &self.objects)
    }

    /// The worst first, then by rule and objects.
    pub(super) fn sort_key(&self) -> (Severity, &str, &[String], &str) {
        (self.severity, &self.rule, &self.objects, &self.message)
    }
}

/// Sorts findings as they are shown.
pub(super) fn sort(findings: &mut [RuleFinding]) {
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It refuses a write that newly brings it in.
    Error,
    /// It will hurt when something fails.
    Warning,
    /// It could be better.
    Advice,
}

/// All that the rules say of a topology.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Advice {
    pub findings: Vec<RuleFinding>,
    /// Findings that somebody took upon himself.
    pub waived: Vec<Waived>,
    /// For every host, whether it should be clustered.
    pub hosts: Vec<HostAdvice>,
}

/// A finding, and the waiver that covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waived {
    pub finding: RuleFinding,
    pub waiver: Waiver,
}

/// Whether a host should be clustered, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HostAdvice {
    pub host: HostName,
    pub verdict: HostVerdict,
    /// Whether it is clustered now.
    pub clustered: bool,
    /// The reasons, one for each handler that decides.
    pub reasons: Vec<String>,
}

/// Whether a host should be clustered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostVerdict {
    /// Two instances at once do harm, or an unclustered one loses what it holds.
    MustBeClustered,
    /// Clustering is one of two good ways.
    MayBeClustered,
    /// Several instances at once are right: clustering only costs.
    NoBenefit,
    /// It can't or must not be clustered.
    MustNotBeClustered,
}

/// What a change does to the findings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FindingChanges {
    /// Those that it brings in.
    pub breaks: Vec<RuleFinding>,
    /// Those that are gone with it.
    pub mends: Vec<RuleFinding>,
}
