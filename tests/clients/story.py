"""A cluster from its topology to a move, through the generated Python client."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from locum_client import Client
from locum_client.api.actions import move_group
from locum_client.api.history import list_events, list_failovers
from locum_client.api.status import get_status
from locum_client.api.topology import get_topology, put_topology
from locum_client.models import (
    Cause,
    EventKind,
    GroupSpec,
    GroupState,
    GroupStatus,
    MoveRequest,
    NodeSpec,
    Operation,
    OperationState,
    Outcome,
    PageEvent,
    PageFailoverRecord,
    Problem,
    ProcessResource,
    ProcessResourceType,
    PutTopologyIfNoneMatch,
    ReleaseProof,
    Settings,
    StatusDocument,
    TopologyResult,
    TopologySpec,
)

CLUSTER = "python"
GROUP = "receive"

# A call that is held takes longer than the client's patience without being told.
client = Client(os.environ["LOCUM_SERVER"], timeout=httpx.Timeout(60), raise_on_unexpected_status=True)


def status(since: str | None = None) -> tuple[StatusDocument, str]:
    """The status and its ETag; with `since`, as soon as it differs from that."""
    if since is None:
        answer = get_status.sync_detailed(CLUSTER, client=client)
    else:
        answer = get_status.sync_detailed(CLUSTER, client=client, since=since, wait="20s")
    assert isinstance(answer.parsed, StatusDocument), answer
    return answer.parsed, answer.headers["etag"]


@dataclass
class Seen:
    group: GroupStatus
    tag: str
    changes: int


def online_on(node: str, since: str | None = None) -> Seen:
    """Watches until the group is online on a node; every answer but the first is a change."""
    seen, tag = status(since)
    patience = time.monotonic() + 30
    changes = 1
    while True:
        [group] = [group for group in seen.groups if group.name == GROUP]
        if group.state == GroupState.ONLINE and group.owner == node:
            return Seen(group, tag, changes)
        assert time.monotonic() < patience, f"{GROUP} does not come online on {node}: {group}"
        seen, tag = status(tag)
        changes += 1


sleeper = ProcessResource(name="sleeper", type_=ProcessResourceType.PROCESS, command=["sleep", "3600"])
topology = TopologySpec(
    cluster=CLUSTER,
    settings=Settings(heartbeat="100ms", lease="2s", stop_budget="500ms"),
    nodes=[
        NodeSpec(name="0", agent=os.environ["LOCUM_AGENT_0"]),
        NodeSpec(name="1", agent=os.environ["LOCUM_AGENT_1"]),
    ],
    groups=[GroupSpec(name=GROUP, preferred_owners=["0", "1"], resources=[sleeper])],
)

new = PutTopologyIfNoneMatch("*")
created = put_topology.sync(CLUSTER, client=client, body=topology, if_none_match=new)
assert isinstance(created, TopologyResult), created
assert created.created and created.generation == 1, created

again = put_topology.sync(CLUSTER, client=client, body=topology, if_none_match=new)
assert isinstance(again, Problem) and again.status == 412, again

stored = get_topology.sync(CLUSTER, client=client)
assert isinstance(stored, TopologySpec) and stored.groups, stored
assert stored.groups[0].preferred_owners == ["0", "1"], stored
assert stored.groups[0].resources, stored
assert isinstance(stored.groups[0].resources[0], ProcessResource), stored

before = online_on("0")
with ThreadPoolExecutor() as threads:
    watched = threads.submit(online_on, "1", before.tag)
    request = MoveRequest(to="1", reason="the story goes on")
    moved = move_group.sync(CLUSTER, GROUP, client=client, body=request, wait="30s")
    assert isinstance(moved, Operation), moved
    assert moved.state == OperationState.SUCCEEDED, moved.message
    after = watched.result()
assert after.changes > 1, "the watcher saw the group stop before it started"
assert after.group.epoch > before.group.epoch, "the epoch rose"

history = list_failovers.sync(CLUSTER, client=client, group=GROUP, limit=10)
assert isinstance(history, PageFailoverRecord), history
[record] = [record for record in history.items if record.cause == Cause.OPERATOR_MOVE]
assert (record.from_, record.to, record.outcome) == ("0", "1", Outcome.SUCCEEDED), record
assert record.epoch == after.group.epoch, record
assert record.release_proof == ReleaseProof.ACKNOWLEDGED, record

events = list_events.sync(CLUSTER, client=client, limit=1000)
assert isinstance(events, PageEvent), events
assert any(event.kind == EventKind.FAILOVER_CLOSED for event in events.items), events

print(
    f"Python: {GROUP} moved from {record.from_} to {record.to}, epoch {before.group.epoch} to {after.group.epoch}; "
    f"{after.changes} changes watched, {len(events.items)} events"
)
