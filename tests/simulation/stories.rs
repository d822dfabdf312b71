//! Single faults, told one by one: what must a reader be able to count on?

use std::sync::Arc;
use std::time::Duration;

use locum::domain::{Cause, FailoverRecord, NodeName, OperationKind, ReleaseProof};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::history::Fact;
use crate::mending::Mend;
use crate::network::Way;
use crate::runner::{self, Played};
use crate::topology::address;
use crate::world::{Kind, World};

const SECOND: Duration = Duration::from_secs(1);

/// Two nodes and one group, under a lease of 1.5 s.
fn document(possible: &[&str]) -> Value {
    let run = json!({ "name": "run", "type": "process", "command": ["/opt/run", "1"], "possible_owners": possible });
    json!({
        "cluster": "sim",
        "settings": { "heartbeat": "100ms", "lease": "1500ms", "stop_budget": "700ms" },
        "nodes": [{ "name": "n1", "agent": address("n1") }, { "name": "n2", "agent": address("n2") }],
        "groups": [{ "name": "ftp", "preferred_owners": [possible[0]], "resources": [run] }],
    })
}

/// Begins with ftp online on n1, ends settled, and every promise kept.
fn tell(kind: Kind, possible: &[&str], story: impl AsyncFnOnce(&mut World)) -> Played {
    tell_of(&document(possible), kind, story)
}

fn tell_of(document: &Value, kind: Kind, story: impl AsyncFnOnce(&mut World)) -> Played {
    let played = runner::play(kind as u64, Arc::default(), async move |told| {
        let mut world = World::begin(kind as u64, kind, document, told).await;
        world.settle().await;
        assert_eq!(owner(&world), Some(node("n1")));
        story(&mut world).await;
        world.settle().await;
        world.end().await;
    });
    assert!(played.is_good(), "{}", played.report());
    played
}

fn node(name: &str) -> NodeName {
    name.parse().unwrap()
}

fn owner(world: &World) -> Option<NodeName> {
    world.seen()?.groups["ftp"].placement.owner().cloned()
}

fn failovers(played: &Played) -> Vec<FailoverRecord> {
    let Some(Fact::Settled(rows)) = played.told.history.last().map(|last| &last.fact) else {
        panic!("the story has no end:\n{}", played.story());
    };
    rows.failovers.clone()
}

fn said(played: &Played, what: &str) -> usize {
    played.told.lines.iter().filter(|line| line.what.contains(what)).count()
}

#[test]
fn an_outage_of_the_control_plane_moves_nothing() {
    let played = tell(Kind::Outages, &["n1", "n2"], async |world| {
        world.only_outages(true);
        world.site.control.crash().await;
        sleep(30 * SECOND).await;
        assert!(world.alive.of(&"ftp".parse().unwrap()).is_empty(), "it stops with its lease");
        world.site.control.start().await;
    });
    assert_eq!(failovers(&played), []);
}

#[test]
fn an_outage_of_the_database_moves_nothing_and_is_borne_calmly() {
    let played = tell(Kind::Outages, &["n1", "n2"], async |world| {
        world.only_outages(true);
        // The next control plane knows none of the agents, and can't note them.
        world.site.control.crash().await;
        world.site.database.set_weather(crate::database::Weather { away: true, ..Default::default() });
        world.site.control.start().await;
        sleep(20 * SECOND).await;
        world.faults.mend(Mend::CalmDatabase).await;
    });
    assert_eq!(failovers(&played), []);
}

/// That a lease is over is seen once the database can be read again: until then nothing goes round in circles.
#[test]
fn a_node_that_is_lost_while_the_database_is_away_is_failed_over_when_it_is_back() {
    let played = tell(Kind::All, &["n1", "n2"], async |world| {
        world.site.database.set_weather(crate::database::Weather { away: true, ..Default::default() });
        world.site.machines["n1"].cut_power();
        sleep(20 * SECOND).await;
        world.faults.mend(Mend::CalmDatabase).await;
        sleep(20 * SECOND).await;
        assert_eq!(owner(world), Some(node("n2")));
        world.site.machines["n1"].restore_power().await;
    });
    assert_eq!(failovers(&played).len(), 1);
}

/// A new reign asks nobody before it has read what there is: until then nobody's silence says anything.
#[test]
fn a_slow_database_at_the_start_of_a_reign_moves_nothing() {
    let played = tell(Kind::Outages, &["n1", "n2"], async |world| {
        world.only_outages(true);
        for _ in 0..5 {
            world.site.control.crash().await;
            world.site.database.set_weather(crate::database::Weather { slow: 1_000, ..Default::default() });
            world.site.control.start().await;
            sleep(20 * SECOND).await;
        }
        world.faults.mend(Mend::CalmDatabase).await;
    });
    assert_eq!(failovers(&played), []);
}

/// It asks nobody any more once it is told to stop: that silence is its own.
#[test]
fn a_control_plane_that_stops_in_the_middle_of_a_slow_turn_moves_nothing() {
    let mut fast = document(&["n1", "n2"]);
    fast["settings"] = json!({ "heartbeat": "50ms", "lease": "500ms", "stop_budget": "200ms", "margin": "20ms" });
    let played = tell_of(&fast, Kind::Outages, async |world| {
        world.only_outages(true);
        world.site.database.set_weather(crate::database::Weather { slow: 400, ..Default::default() });
        for moment in 0..600 {
            world.site.control.crash().await;
            world.site.control.start().await;
            sleep(moment * Duration::from_millis(10)).await;
            world.site.control.stop().await;
        }
        world.faults.mend(Mend::CalmDatabase).await;
        world.site.control.start().await;
    });
    assert_eq!(failovers(&played), []);
}

#[test]
fn agents_that_can_not_be_noted_are_not_asked_in_a_hurry() {
    let played = tell(Kind::All, &["n1", "n2"], async |world| {
        world.site.machines["n2"].cut_power();
        world.site.machines["n2"].wipe_disk();
        world.site.recorder.note(Fact::Wiped { machine: "n2".to_owned() });
        sleep(5 * SECOND).await;
        world.site.database.set_weather(crate::database::Weather { away: true, ..Default::default() });
        world.site.machines["n2"].restore_power().await;
        sleep(10 * SECOND).await;
        world.faults.mend(Mend::CalmDatabase).await;
    });
    let asked = played.told.tally["database: failed before it did anything"];
    assert!(asked < 400, "the database was asked {asked} times in 10 s, with heartbeats every 100 ms");
}

#[test]
fn a_node_whose_answers_are_lost_is_released_by_its_lease() {
    let played = tell(Kind::All, &["n1", "n2"], async |world| {
        world.site.network.cut(&address("n1"), &[Way::Back]);
        sleep(10 * SECOND).await;
        assert_eq!(owner(world), Some(node("n2")));
        world.site.network.heal(&address("n1"));
    });
    let [failover] = &failovers(&played)[..] else { panic!("{}", played.story()) };
    assert_eq!((failover.cause, failover.release_proof), (Cause::NodeLost, Some(ReleaseProof::LeaseExpired)));
}

#[test]
fn who_runs_it_keeps_it_after_a_restore() {
    let played = tell(Kind::Restores, &["n1", "n2"], async |world| {
        world.site.database.back_up();
        world.operators.insist(OperationKind::Move, "ftp").await;
        world.settle().await;
        assert_eq!(owner(world), Some(node("n2")));
        world.site.control.crash().await;
        assert!(world.site.database.restore());
        world.site.control.start().await;
        world.settle().await;
        assert_eq!(owner(world), Some(node("n2")));
    });
    assert_eq!(said(&played, "run of ftp starts"), 2, "{}", played.story());
}

/// The service's token does not go down: n2 ran it under epoch 2, and the database knows n1 under epoch 1.
#[test]
fn what_a_restored_database_gives_to_its_owner_begins_above_all_that_is_heard_of() {
    let played = tell(Kind::Restores, &["n1", "n2"], async |world| {
        world.site.database.back_up();
        world.operators.insist(OperationKind::Move, "ftp").await;
        world.settle().await;
        world.site.control.crash().await;
        assert!(world.site.database.restore());
        sleep(5 * SECOND).await;
        assert!(world.alive.of(&"ftp".parse().unwrap()).is_empty(), "it stops with its lease");
        world.site.control.start().await;
        world.settle().await;
        assert_eq!(owner(world), Some(node("n1")));
    });
    assert_eq!(said(&played, "run of ftp starts under epoch 3"), 1, "{}", played.story());
}

/// Two lines of the database gave epoch 2 to two nodes: n1 runs it, and the restored database believes in n2.
#[test]
fn what_runs_elsewhere_is_not_started_though_the_database_was_restored_twice() {
    let played = tell(Kind::Restores, &["n1", "n2"], async |world| {
        world.site.database.back_up();
        world.operators.insist(OperationKind::Move, "ftp").await;
        world.settle().await;
        world.site.database.back_up();
        world.site.control.crash().await;
        world.site.machines["n2"].cut_power();
        world.site.database.restore_copy(0);
        world.site.control.start().await;
        for kind in [OperationKind::Offline, OperationKind::Online] {
            sleep(5 * SECOND).await;
            world.operators.insist(kind, "ftp").await;
        }
        sleep(5 * SECOND).await;
        let runs = world.alive.of(&"ftp".parse().unwrap());
        assert_eq!(runs.iter().map(|run| (run.machine.as_str(), run.epoch.0)).collect::<Vec<_>>(), [("n1", 2)]);
        world.site.control.crash().await;
        world.site.database.restore_copy(1);
        world.site.machines["n2"].restore_power().await;
        world.site.control.start().await;
    });
    assert_eq!(said(&played, "run of ftp starts under epoch 2"), 3, "{}", played.story());
}

/// n2 was given another machine since the copy was made. The restored database asks the old one, which runs nothing, and
/// knows nothing of the new one, which runs ftp under a lease.
#[test]
fn nothing_starts_beside_a_machine_that_the_restored_database_knows_nothing_of() {
    let played = tell(Kind::Restores, &["n1", "n2"], async |world| {
        world.site.database.back_up();
        let mut other = document(&["n1", "n2"]);
        other["nodes"][1]["agent"] = json!(address("n2b"));
        world.operators.put(&other).await;
        sleep(5 * SECOND).await;
        world.operators.insist(OperationKind::Move, "ftp").await;
        world.settle().await;
        let ftp = "ftp".parse().unwrap();
        let runs = |world: &World| world.alive.of(&ftp).iter().map(|run| run.machine.clone()).collect::<Vec<_>>();
        assert_eq!(runs(world), ["n2b"]);
        world.site.control.crash().await;
        assert!(world.site.database.restore());
        world.site.control.start().await;
        sleep(SECOND / 2).await;
        assert_eq!(runs(world), ["n2b"], "its lease is not over");
    });
    assert_eq!(said(&played, "run of ftp starts"), 3, "{}", played.story());
}

/// The cluster decides more after the restore than a node had applied before it, but nothing for that node.
#[test]
fn a_node_that_applied_more_than_it_is_assigned_is_assigned_anew() {
    let played = tell(Kind::Restores, &["n1"], async |world| {
        world.site.database.back_up();
        world.operators.insist(OperationKind::Offline, "ftp").await;
        world.settle().await;
        world.site.control.crash().await;
        assert!(world.site.database.restore());
        for _ in 0..5 {
            world.site.control.start().await;
            world.operators.insist(OperationKind::Resume, "n2").await;
            sleep(Duration::from_millis(1)).await;
            world.site.control.crash().await;
        }
        world.site.control.start().await;
    });
    assert_eq!(failovers(&played), []);
}

/// Its group is free, proven released; it says that it runs it, before it has looked.
#[test]
fn a_frozen_owner_that_wakes_up_gets_its_group_under_a_new_epoch() {
    let played = tell(Kind::All, &["n1"], async |world| {
        world.site.machines["n1"].freeze_agent();
        sleep(10 * SECOND).await;
        assert_eq!(owner(world), None);
        world.site.machines["n1"].thaw_agent();
    });
    assert_eq!(said(&played, "run of ftp starts under epoch 2"), 1, "{}", played.story());
}
