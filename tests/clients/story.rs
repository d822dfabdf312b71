//! A cluster from its topology to a move, through the generated Rust client.

use std::time::{Duration, Instant};

use locum_client::apis::configuration::Configuration;
use locum_client::apis::{Error, actions_api, history_api, status_api, topology_api};
use locum_client::models::{
    Cause, EventKind, GroupSpec, GroupState, GroupStatus, MoveRequest, NodeSpec, OperationOrPlan, OperationState,
    Outcome, ProcessResource, ReleaseProof, ResourceSpec, Settings, TopologySpec, process_resource,
};

const CLUSTER: &str = "rust";
const GROUP: &str = "receive";

fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn topology() -> TopologySpec {
    let command = vec!["sleep".to_owned(), "3600".to_owned()];
    let sleeper = ProcessResource::new(command, "sleeper".to_owned(), process_resource::Type::Process);
    let mut group = GroupSpec::new(GROUP.to_owned());
    group.preferred_owners = Some(vec!["0".to_owned(), "1".to_owned()]);
    group.resources = Some(vec![ResourceSpec::ProcessResource(Box::new(sleeper))]);
    let mut settings = Settings::new();
    settings.heartbeat = Some("100ms".to_owned());
    settings.lease = Some("2s".to_owned());
    settings.stop_budget = Some("500ms".to_owned());
    let mut topology = TopologySpec::new(CLUSTER.to_owned());
    topology.settings = Some(Box::new(settings));
    topology.nodes = Some(vec![
        NodeSpec::new(given("LOCUM_AGENT_0"), "0".to_owned()),
        NodeSpec::new(given("LOCUM_AGENT_1"), "1".to_owned()),
    ]);
    topology.groups = Some(vec![group]);
    topology
}

struct Seen {
    group: GroupStatus,
    tag: String,
    changes: u32,
}

/// Watches until the group is online on a node; every answer but the first is a change.
async fn online_on(server: &Configuration, node: &str, since: Option<&str>) -> Seen {
    let patience = Instant::now() + Duration::from_secs(30);
    let mut since = since.map(str::to_owned);
    for changes in 1.. {
        let wait = since.as_ref().map(|_| "20s");
        let seen = status_api::get_status(server, CLUSTER, since.as_deref(), wait, None).await.expect("a status");
        let group = seen.groups.into_iter().find(|group| group.name == GROUP).expect("the group in the status");
        if group.state == GroupState::Online && group.owner.clone().flatten().as_deref() == Some(node) {
            return Seen { group, tag: seen.etag, changes };
        }
        assert!(Instant::now() < patience, "{GROUP} does not come online on {node}: {group:?}");
        since = Some(seen.etag);
    }
    unreachable!("it counts on")
}

async fn story(server: &Configuration) {
    let created = topology_api::put_topology(server, CLUSTER, topology(), None, None, Some("*"));
    let created = created.await.expect("a new cluster");
    assert!(created.created && created.generation == 1, "{created:?}");

    match topology_api::put_topology(server, CLUSTER, topology(), None, None, Some("*")).await {
        Err(Error::ResponseError(refused)) => assert_eq!(refused.status, 412, "{refused:?}"),
        other => panic!("a cluster that is there can't be created: {other:?}"),
    }

    let stored = topology_api::get_topology(server, CLUSTER, None).await.expect("the stored topology");
    let groups = stored.groups.expect("groups");
    assert_eq!(groups[0].preferred_owners, Some(vec!["0".to_owned(), "1".to_owned()]));
    assert!(matches!(groups[0].resources.as_deref(), Some([ResourceSpec::ProcessResource(_)])), "{groups:?}");

    let before = online_on(server, "0", None).await;
    let request = MoveRequest { to: Some(Some("1".to_owned())), reason: Some(Some("the story goes on".to_owned())) };
    let moved = actions_api::move_group(server, CLUSTER, GROUP, Some("30s"), None, None, None, Some(request));
    let (moved, after) = tokio::join!(moved, online_on(server, "1", Some(&before.tag)));
    let OperationOrPlan::Operation(operation) = moved.expect("a move") else { panic!("a plan instead of a move") };
    assert_eq!(operation.state, OperationState::Succeeded, "{}", operation.message);
    assert!(after.changes > 1, "the watcher saw the group stop before it started");
    assert!(after.group.epoch > before.group.epoch, "the epoch rose");

    let moves = Some(Cause::OperatorMove);
    let group = Some(GROUP);
    let history =
        history_api::list_failovers(server, CLUSTER, group, None, moves, None, None, None, None, None, None, Some(10), None);
    let history = history.await.expect("a history").items;
    let [record] = history.as_slice() else { panic!("one move, not {history:?}") };
    let way = (record.from.clone().flatten(), record.to.clone().flatten());
    assert_eq!(way, (Some("0".to_owned()), Some("1".to_owned())), "{record:?}");
    assert_eq!(record.outcome, Outcome::Succeeded, "{record:?}");
    assert_eq!(record.epoch, Some(Some(after.group.epoch)), "{record:?}");
    assert_eq!(record.release_proof, Some(Some(ReleaseProof::Acknowledged)), "{record:?}");

    let events = history_api::list_events(server, CLUSTER, None, None, None, Some(1000), None, None);
    let events = events.await.expect("the events").items;
    assert!(events.iter().any(|event| event.kind == EventKind::FailoverClosed), "{events:?}");

    println!(
        "Rust: {GROUP} moved from 0 to 1, epoch {} to {}; {} changes watched, {} events",
        before.group.epoch,
        after.group.epoch,
        after.changes,
        events.len()
    );
}

fn main() {
    let server = Configuration { base_path: given("LOCUM_SERVER"), ..Configuration::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(story(&server));
}
