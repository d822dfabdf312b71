//! Which findings has somebody taken upon himself, and which waivers are no longer good?

use jiff::Timestamp;

use super::Severity::Advice;
use super::rule::{Rule, rules};
use super::{RuleFinding, Waived};
use crate::domain::Waiver;

const SOURCE: &str = "Locum: waivers";

const W01: Rule = Rule::new("W01", &[Advice], "A waiver that has expired is renewed or removed.", SOURCE);
const W02: Rule = Rule::new("W02", &[Advice], "A waiver covers something.", SOURCE);

pub(super) const RULES: &[Rule] = &[W01, W02];

/// Takes out the findings that are covered, and adds what is wrong with waivers themselves.
pub(super) fn apply(findings: &mut Vec<RuleFinding>, waivers: &[Waiver], now: Timestamp) -> Vec<Waived> {
    // The one that lasts longest first, whatever the order of the document.
    let mut waivers: Vec<&Waiver> = waivers.iter().collect();
    waivers.sort_by(|a, b| b.expires.cmp(&a.expires).then_with(|| key(a).cmp(&key(b))));
    let (good, expired): (Vec<&Waiver>, Vec<&Waiver>) = waivers.into_iter().partition(|waiver| waiver.expires > now);
    let mut about: Vec<RuleFinding> = good
        .iter()
        .filter(|waiver| !findings.iter().any(|one| covers(waiver, one)))
        .map(|waiver| useless(waiver))
        .collect();
    about.extend(expired.iter().map(|waiver| over(waiver, findings)));
    let mut waived = Vec::new();
    findings.retain(|finding| {
        let waiver = good.iter().find(|waiver| covers(waiver, finding));
        waived.extend(waiver.map(|waiver| Waived { finding: finding.clone(), waiver: (*waiver).clone() }));
        waiver.is_none()
    });
    findings.extend(about);
    waived.sort_by(|a, b| a.finding.sort_key().cmp(&b.finding.sort_key()));
    waived
}

fn key(waiver: &Waiver) -> (&str, &Option<String>, &str, &str) {
    (&waiver.rule, &waiver.object, &waiver.actor, &waiver.reason)
}

fn covers(waiver: &Waiver, finding: &RuleFinding) -> bool {
    let about = waiver.object.as_ref().is_none_or(|object| finding.objects.first() == Some(object));
    waiver.rule == finding.rule && about
}

/// How the waiver is called as an object and in a sentence.
fn named(waiver: &Waiver) -> (String, String) {
    match &waiver.object {
        Some(object) => {
            (format!("waivers/{}/{object}", waiver.rule), format!("The waiver of {} for {object}", waiver.rule))
        }
        None => (format!("waivers/{}", waiver.rule), format!("The waiver of {}", waiver.rule)),
    }
}

/// W02.
fn useless(waiver: &Waiver) -> RuleFinding {
    let (object, name) = named(waiver);
    let known = rules().iter().any(|rule| rule.id == waiver.rule);
    let why =
        if known { "covers nothing: the rule finds nothing there" } else { "covers nothing: there is no such rule" };
    W02.advice(
        vec![object],
        format!("{name}, by {}, {why}.", waiver.actor),
        "Remove it, or correct its `rule` and `object` (the object that the finding names first).".to_owned(),
    )
}

/// W01.
fn over(waiver: &Waiver, findings: &[RuleFinding]) -> RuleFinding {
    let (object, name) = named(waiver);
    let (still, fix) = if findings.iter().any(|one| covers(waiver, one)) {
        ("what it covered counts again", "Mend what it covered, or renew `expires`.")
    } else {
        ("what it covered is mended", "Remove it.")
    };
    let at = waiver.expires;
    W01.advice(vec![object], format!("{name}, by {}, expired at {at}; {still}.", waiver.actor), fix.to_owned())
}
