//! Is nothing fetched twice: files by FTP and SFTP, mail by POP3?

use super::RuleFinding;
use super::Severity::{Advice, Error, Warning};
use super::adapters::{CONSIDERATIONS, named, receiving};
use super::rule::Rule;
use super::view::{Host, View};
use super::words::{by, handlers, list};
use crate::domain::{Adapter, HandlerSpec};

const R30: Rule = Rule::new(
    "R30",
    &[Error, Warning],
    "An FTP or SFTP receive handler runs in one instance at a time: its host is clustered.",
    CONSIDERATIONS,
);
const R31: Rule = Rule::new(
    "R31",
    &[Error, Warning, Advice],
    "A POP3 receive handler is clustered if the mailbox lets in several connections at once, and only then.",
    CONSIDERATIONS,
);
pub(super) const RULES: &[Rule] = &[R30, R31];

pub(super) fn judge(view: &View<'_>, findings: &mut Vec<RuleFinding>) {
    for on in view.unclustered() {
        findings.extend(files(on));
        findings.extend(mailboxes(on));
    }
    for (on, _) in view.clustered() {
        findings.extend(locked_mailboxes(on));
    }
}

/// R30.
fn files(on: &Host<'_>) -> Option<RuleFinding> {
    let some = receiving(on, &[Adapter::Ftp, Adapter::Sftp]);
    if some.is_empty() {
        return None;
    }
    let cluster = on.clustering();
    let (name, what, nodes) = (on.name, handlers(&some), list(&on.enabled));
    let receive = by(some.len(), "receives", "receive");
    match on.enabled.len() {
        0 => None,
        1 => Some(R30.warning(
            named(on, &some),
            format!("The {what} of {name} {receive} on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing fetches."),
            format!(
                "{cluster} in a group and give it an enabled instance on a second node; a second instance without \
                 clustering would fetch files twice."
            ),
        )),
        _ => Some(R30.error(
            named(on, &some),
            format!(
                "The {what} of {name} {receive} on {nodes} at once, and FTP and SFTP lock no files: files are fetched twice."
            ),
            format!("{cluster} in a group; until then, leave one of its instances enabled."),
        )),
    }
}

/// R31, unclustered.
fn mailboxes(on: &Host<'_>) -> Option<RuleFinding> {
    let mut some = receiving(on, &[Adapter::Pop3]);
    some.retain(|handler| handler.options.mailbox_allows_concurrent != Some(false));
    if some.is_empty() || on.enabled.is_empty() {
        return None;
    }
    let known: Vec<&HandlerSpec> =
        some.iter().copied().filter(|handler| handler.options.mailbox_allows_concurrent == Some(true)).collect();
    let cluster = on.clustering();
    let (name, nodes) = (on.name, list(&on.enabled));
    let twice = on.enabled.len() > 1;
    let reads = by(if known.is_empty() { some.len() } else { known.len() }, "reads", "read");
    if known.is_empty() {
        let what = handlers(&some);
        let message = if twice {
            format!(
                "The {what} of {name} {reads} mail on {nodes} at once. If the mail server lets several connections into one \
                 mailbox, mail is fetched twice; `mailbox_allows_concurrent` does not say."
            )
        } else {
            format!(
                "The {what} of {name} {reads} mail on {nodes} only. Whether a second instance may help depends on the mail server; \
                 `mailbox_allows_concurrent` does not say."
            )
        };
        let fix = format!(
            "Find out and write `mailbox_allows_concurrent`: true, then cluster {name}; false, then two instances on \
             different nodes are right."
        );
        return Some(R31.warning(named(on, &some), message, fix));
    }
    let what = handlers(&known);
    Some(if twice {
        R31.error(
            named(on, &known),
            format!(
                "The {what} of {name} {reads} mail on {nodes} at once, from mailboxes that let in several connections: mail is \
                 fetched twice."
            ),
            format!("{cluster} in a group; until then, leave one of its instances enabled."),
        )
    } else {
        R31.warning(
            named(on, &known),
            format!("The {what} of {name} {reads} mail on {nodes} only, and {name} is not clustered: when {nodes} is lost, nothing reads."),
            format!(
                "{cluster} in a group and give it an enabled instance on a second node; a second instance without \
                 clustering would fetch mail twice."
            ),
        )
    })
}

/// R31, clustered.
fn locked_mailboxes(on: &Host<'_>) -> Vec<RuleFinding> {
    let some = receiving(on, &[Adapter::Pop3]);
    let answer = |answer: Option<bool>| -> Vec<&HandlerSpec> {
        some.iter().copied().filter(|handler| handler.options.mailbox_allows_concurrent == answer).collect()
    };
    let name = on.name;
    let mut findings = Vec::new();
    let locked = answer(Some(false));
    if !locked.is_empty() {
        let (what, reads) = (handlers(&locked), by(locked.len(), "reads", "read"));
        findings.push(R31.warning(
            named(on, &locked),
            format!(
                "{name} is clustered, but the {what} {reads} mailboxes that let in one connection at a time: the mail server itself \
                 keeps two instances apart, and clustering only adds the time of a failover."
            ),
            format!("Uncluster {name} and give it an instance on two nodes, or bind the {what} to a host that is not clustered."),
        ));
    }
    let unknown = answer(None);
    if !unknown.is_empty() {
        let what = handlers(&unknown);
        findings.push(R31.advice(
            named(on, &unknown),
            format!(
                "{name} is clustered for the {what}; that is right only if the mail server lets several connections into one \
                 mailbox, and `mailbox_allows_concurrent` does not say."
            ),
            format!("Write `mailbox_allows_concurrent: true` for the {what}, or uncluster {name} if the server locks mailboxes."),
        ));
    }
    findings
}
