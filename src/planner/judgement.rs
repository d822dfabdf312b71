//! What was found of every node for one group, and how is it said?

use std::borrow::Cow;
use std::fmt::Write as _;

use foldhash::{HashMap, HashMapExt};

use super::candidates::Rank;
use super::plan::Reasoning;
use super::snapshot::GroupView;
use super::words::{counted, ordinal};
use crate::domain::{GroupName, NodeName};

/// Of so many nodes each is listed by itself, and so many reasons are given.
const LISTED_APART: usize = 12;

/// So many nodes are named of which the same is said.
const NAMED_TOGETHER: usize = 3;

/// What is said of a node that could take a group has about as many bytes.
const USUAL_LENGTH: usize = 64;

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
    /// Written where it is to stand: a plan says thousands of these.
    fn say(&self, group: &GroupView, out: &mut String) {
        let Self { rank, all, mate } = self;
        match rank.preferred {
            usize::MAX if group.spec.preferred_owners.is_empty() => out.push_str("possible owner"),
            usize::MAX => out.push_str("not a preferred owner"),
            index => _ = write!(out, "{} preferred owner", ordinal(index)),
        }
        let _ = write!(out, ", up, owns {all} other group{}", if *all == 1 { "" } else { "s" });
        if *all != rank.groups {
            let _ = write!(out, ", {} of its priority", rank.groups);
        }
        if let Some(mate) = mate {
            let _ = write!(out, ", though {mate} is there, which it keeps away from");
        }
        if rank.failed_here {
            out.push_str(", though it failed here before");
        }
        if rank.domain_of_the_lost {
            out.push_str(", in the fault domain of the node that was lost");
        }
    }
}

impl Judgement<'_> {
    /// What was found of `node`.
    pub fn verdict(&self, node: &NodeName) -> String {
        let found = self.verdicts.binary_search_by(|(name, _)| (*name).cmp(node));
        found.map_or_else(|_| "not a node of this cluster".to_owned(), |found| self.words(&self.verdicts[found].1))
    }

    fn words(&self, verdict: &Verdict<'_>) -> String {
        let mut words = String::new();
        self.say(verdict, &mut words);
        words
    }

    fn say(&self, verdict: &Verdict<'_>, out: &mut String) {
        match verdict {
            Verdict::Against(why) => out.push_str(why),
            Verdict::For(praise) => praise.say(self.group, out),
        }
    }

    /// Every verdict in one sentence: "bts1: paused; bts2: down". Of many nodes, those of which the same is said are
    /// said together: "bts01, bts02, bts03 and 17 more: paused".
    pub fn listed(&self) -> String {
        if self.verdicts.is_empty() {
            return "the cluster has no nodes".to_owned();
        }
        let mut said: Vec<(String, Vec<&NodeName>)> = Vec::new();
        let apart = self.verdicts.len() <= LISTED_APART;
        let mut known: HashMap<String, usize> = HashMap::new();
        for (node, verdict) in &self.verdicts {
            let words = self.words(verdict);
            match known.get(&words).filter(|_| !apart) {
                Some(at) => said[*at].1.push(node),
                None => {
                    known.insert(words.clone(), said.len());
                    said.push((words, vec![node]));
                }
            }
        }
        let others: usize = said.iter().skip(LISTED_APART).map(|(_, nodes)| nodes.len()).sum();
        let mut listed: Vec<String> =
            said.iter().take(LISTED_APART).map(|(words, nodes)| format!("{}: {words}", first_of(nodes))).collect();
        if others > 0 {
            listed.push(format!("{} for other reasons", counted(others, "more node")));
        }
        listed.join("; ")
    }

    /// The reasoning that ends with `chosen`.
    pub fn reasoning(&self, chosen: Option<&NodeName>, summary: impl Into<String>) -> Reasoning {
        let say = |(node, verdict): &(&NodeName, Verdict<'_>)| {
            let mut words = String::with_capacity(USUAL_LENGTH);
            match (chosen, verdict) {
                (Some(chosen), _) if chosen == *node => words.push_str("chosen: "),
                (_, Verdict::For(_)) => words.push_str("could take it: "),
                (_, Verdict::Against(_)) => {}
            }
            self.say(verdict, &mut words);
            ((*node).clone(), words)
        };
        let verdicts = self.verdicts.iter().map(say).collect();
        Reasoning { chosen: chosen.cloned(), summary: summary.into(), verdicts }
    }
}

/// "bts1", "bts1, bts2, bts3 and 2 more".
fn first_of(nodes: &[&NodeName]) -> String {
    let named: Vec<&str> = nodes.iter().take(NAMED_TOGETHER).map(|node| node.as_str()).collect();
    match nodes.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Generation;
    use crate::planner::{Snapshot, with_topology};

    fn listed(nodes: usize, why: impl Fn(usize) -> String) -> String {
        let topology = serde_json::json!({ "cluster": "c", "nodes": [], "groups": [{ "name": "g" }] });
        let empty = Snapshot::empty("c".parse().unwrap(), Generation(1), "2026-01-01T12:00:00Z".parse().unwrap());
        let snapshot = with_topology(empty, &serde_json::from_value(topology).unwrap());
        let names: Vec<NodeName> = (0..nodes).map(|node| format!("n{node:03}").parse().unwrap()).collect();
        let verdicts = names.iter().enumerate().map(|(at, name)| (name, Verdict::Against(why(at).into()))).collect();
        Judgement { group: snapshot.groups.values().next().unwrap(), verdicts }.listed()
    }

    #[test]
    fn a_sentence_about_many_nodes_can_be_read() {
        assert_eq!(listed(0, |_| "down".to_owned()), "the cluster has no nodes");
        assert_eq!(listed(2, |_| "down".to_owned()), "n000: down; n001: down");
        let mixed = listed(1000, |at| if at % 4 == 0 { "paused" } else { "down" }.to_owned());
        assert_eq!(mixed, "n000, n004, n008 and 247 more: paused; n001, n002, n003 and 747 more: down");
        let all_other = listed(1000, |at| format!("unreachable, may hold it until {at}"));
        assert!(all_other.ends_with("n011: unreachable, may hold it until 11; 988 more nodes for other reasons"));
    }
}
