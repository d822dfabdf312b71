//! How do the wire's words become the lease's, and its refusals a sentence for the operator?

use std::path::Path;

use crate::agent::ledger::Ledger;
use crate::lease::{self, Refused};
use crate::wire::{Grant, Order, Refusal, RefusalCode, Stamp};

pub(super) fn lease_stamp(stamp: Stamp) -> lease::Stamp {
    lease::Stamp { incarnation: stamp.incarnation, ticks: stamp.ticks }
}

pub(super) fn wire_stamp(stamp: lease::Stamp) -> Stamp {
    Stamp { incarnation: stamp.incarnation, ticks: stamp.ticks }
}

pub(super) fn lease_grant(grant: &Grant) -> lease::Grant {
    let ttl = std::time::Duration::from_millis(grant.ttl_ms);
    lease::Grant { echo: grant.echo.map(lease_stamp), decision: grant.decision, ttl }
}

pub(super) fn lease_order(order: &Order) -> lease::Order {
    let Order { cluster_id, cluster, node, reign, term } = order.clone();
    lease::Order { cluster_id, cluster, node, reign, term }
}

/// A refusal in the wire's words, with what the operator should do where that is not obvious.
pub(super) fn refusal(refused: &Refused, order: &Order, ledger: &Ledger, state_dir: &Path) -> Refusal {
    let own = &ledger.node;
    let bond = ledger.bond.as_ref();
    let (code, detail) = match refused {
        Refused::OtherNode => {
            let detail =
                format!("the agent at this address is {own}, not {}: correct the node's agent address", order.node);
            (RefusalCode::OtherNode, detail)
        }
        Refused::OtherCluster => {
            let obeyed = bond.map_or_else(String::new, |b| format!("{} ({})", b.cluster, b.cluster_id));
            let dir = state_dir.display();
            let detail = format!(
                "the agent of {own} obeys cluster {obeyed}, not {} ({}): to give it to this one, stop the agent once nothing \
                 runs there, run `locum agent reset --state-dir {dir}`, and start it again",
                order.cluster, order.cluster_id
            );
            (RefusalCode::OtherCluster, detail)
        }
        Refused::StaleTerm { highest } => (
            RefusalCode::StaleTerm,
            format!("a control plane of term {highest} reigns, this order is of term {}", order.term),
        ),
        Refused::OtherReign => {
            (RefusalCode::OtherReign, format!("another control plane reigns under the same term {}", order.term))
        }
        Refused::StaleDecision { highest } => {
            (RefusalCode::StaleDecision, format!("decision {highest} was applied, this assignment is older"))
        }
        Refused::ContentDiffers => {
            (RefusalCode::ContentDiffers, "this decision was applied before with other content".to_owned())
        }
        Refused::StaleEpoch { group, highest } => (
            RefusalCode::StaleEpoch,
            format!("epoch {highest} of {group} was applied, this assignment has a lower one"),
        ),
        Refused::StaleStamp => {
            (RefusalCode::StaleStamp, "the assignment echoes no stamp of this agent process".to_owned())
        }
    };
    Refusal {
        code,
        detail,
        cluster: bond.map(|bond| bond.cluster.clone()),
        cluster_id: bond.map(|bond| bond.cluster_id),
        term: bond.map(|bond| bond.term),
        decision: ledger.applied.map(|applied| applied.decision),
        epoch: match refused {
            Refused::StaleEpoch { highest, .. } => Some(*highest),
            _ => None,
        },
    }
}
