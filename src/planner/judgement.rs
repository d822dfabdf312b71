//! What was found of every node for one group, and how is it said?

use std::borrow::Cow;
use std::fmt::Write as _;

use super::candidates::Rank;
use super::plan::Reasoning;
use super::snapshot::GroupView;
use super::words::{counted, ordinal};
use crate::domain::{GroupName, NodeName};

/// Every node as judged for one group, in the order of their names. The words are made when somebody asks for them.
pub(super) struct Judgement<'a> {
    pub group: &'a GroupView,
    pub verdicts: Vec<(&'a NodeName, Verdict<'a>)>,
}

pub(super) enum Verdict<'a> {
    Against(Cow<'a, str>),
    For(Praise<'a>),
}

/// What speaks for a node, and what a wish speaks against it.
pub(super) struct Praise<'a> {
    pub rank: Rank<'a>,
    /// Other groups of every priority that it owns or is about to.
    pub all: usize,
    /// The first group there that this one keeps away from.
    pub mate: Option<&'a GroupName>,
}

impl Praise<'_> {
    fn words(&self, group: &GroupView) -> String {
        let Self { rank, all, mate } = self;
        let mut said = match rank.preferred {
            usize::MAX if group.spec.preferred_owners.is_empty() => "possible owner".to_owned(),
            usize::MAX => "not a preferred owner".to_owned(),
            index => format!("{} preferred owner", ordinal(index)),
        };
        let _ = write!(said, ", up, owns {}", counted(*all, "other group"));
        if *all != rank.groups {
            let _ = write!(said, ", {} of its priority", rank.groups);
        }
        if let Some(mate) = mate {
            let _ = write!(said, ", though {mate} is there, which it keeps away from");
        }
        if rank.failed_here {
            said.push_str(", though it failed here before");
        }
        if rank.domain_of_the_lost {
            said.push_str(", in the fault domain of the node that was lost");
        }
        said
    }
}

impl Judgement<'_> {
    /// What was found of `node`.
    pub fn verdict(&self, node: &NodeName) -> String {
        let found = self.verdicts.binary_search_by(|(name, _)| (*name).cmp(node));
        found.map_or_else(|_| "not a node of this cluster".to_owned(), |found| self.words(&self.verdicts[found].1))
    }

    fn words(&self, verdict: &Verdict<'_>) -> String {
        match verdict {
            Verdict::Against(why) => why.to_string(),
            Verdict::For(praise) => praise.words(self.group),
        }
    }

    /// Every verdict in one sentence: "bts1: paused; bts2: down".
    pub fn listed(&self) -> String {
        let said = self.verdicts.iter().map(|(node, verdict)| format!("{node}: {}", self.words(verdict)));
        let all: Vec<String> = said.collect();
        if all.is_empty() { "the cluster has no nodes".to_owned() } else { all.join("; ") }
    }

    /// The reasoning that ends with `chosen`.
    pub fn reasoning(&self, chosen: Option<&NodeName>, summary: impl Into<String>) -> Reasoning {
        let say = |(node, verdict): &(&NodeName, Verdict<'_>)| {
            let mut words = self.words(verdict);
            match (chosen, verdict) {
                (Some(chosen), _) if chosen == *node => words.insert_str(0, "chosen: "),
                (_, Verdict::For(_)) => words.insert_str(0, "could take it: "),
                (_, Verdict::Against(_)) => {}
            }
            ((*node).clone(), words)
        };
        let verdicts = self.verdicts.iter().map(say).collect();
        Reasoning { chosen: chosen.cloned(), summary: summary.into(), verdicts }
    }
}
