// A cluster from its topology to a move, through the generated TypeScript client.
import assert from "node:assert/strict";
import { env } from "node:process";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type TopologySpec = components["schemas"]["TopologySpec"];
type StatusDocument = components["schemas"]["StatusDocument"];
type GroupStatus = components["schemas"]["GroupStatus"];
type Event = components["schemas"]["Event"];

const CLUSTER = "typescript";
const GROUP = "receive";

function given(name: string): string {
  const value = env[name];
  assert(value, `${name} is not set`);
  return value;
}

const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: given("LOCUM_SERVER") });

/** What was answered, or the problem as the reason to stop. */
function answered<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  const said = `${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`;
  assert(answer.data !== undefined, said);
  return answer.data;
}

function tagOf(response: Response): string {
  const tag = response.headers.get("etag");
  assert(tag, "the status has no ETag");
  return tag;
}

/** The status and its ETag; with `since`, as soon as it differs from that. */
async function status(since?: string): Promise<{ seen: StatusDocument; tag: string }> {
  const answer = await client.GET("/v1/clusters/{cluster}/status", {
    params: { path: { cluster: CLUSTER }, query: since === undefined ? {} : { since, wait: "20s" } },
  });
  return { seen: answered(answer), tag: tagOf(answer.response) };
}

function groupIn(seen: StatusDocument): GroupStatus {
  const group = seen.groups.find((group) => group.name === GROUP);
  assert(group, `${GROUP} is not in the status`);
  return group;
}

/** Watches until the group is online on a node; every answer but the first is a change. */
async function onlineOn(node: string, since?: string): Promise<{ group: GroupStatus; tag: string; changes: number }> {
  let { seen, tag } = await status(since);
  const patience = Date.now() + 30_000;
  for (let changes = 1; ; changes++) {
    const group = groupIn(seen);
    if (group.state === "online" && group.owner === node) return { group, tag, changes };
    assert(Date.now() < patience, `${GROUP} does not come online on ${node}: ${JSON.stringify(group)}`);
    ({ seen, tag } = await status(tag));
  }
}

/** The events as they are sent, from the first one on, up to one of this kind. */
async function follow(last: Event["kind"]): Promise<Event[]> {
  const answer = await client.GET("/v1/clusters/{cluster}/events", {
    params: { path: { cluster: CLUSTER }, query: { cursor: "0" } },
    headers: { accept: "text/event-stream" },
    parseAs: "stream",
    signal: AbortSignal.timeout(60_000),
  });
  const stream = answered(answer);
  assert(stream, "events come as a stream");
  const events: Event[] = [];
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines.filter((line) => line.startsWith("data:"))) {
      const event: Event = JSON.parse(line.slice("data:".length));
      events.push(event);
      if (event.kind === last) return events;
    }
  }
  throw new Error(`the stream ended before ${last}`);
}

const topology: TopologySpec = {
  cluster: CLUSTER,
  settings: { heartbeat: "100ms", lease: "2s", stop_budget: "500ms" },
  nodes: [
    { name: "0", agent: given("LOCUM_AGENT_0") },
    { name: "1", agent: given("LOCUM_AGENT_1") },
  ],
  groups: [
    {
      name: GROUP,
      preferred_owners: ["0", "1"],
      resources: [{ name: "sleeper", type: "process", command: ["sleep", "3600"] }],
    },
  ],
};

const created = answered(
  await client.PUT("/v1/clusters/{cluster}/topology", {
    params: { path: { cluster: CLUSTER }, header: { "If-None-Match": "*" } },
    body: topology,
  }),
);
assert(created.created && created.generation === 1, JSON.stringify(created));

const again = await client.PUT("/v1/clusters/{cluster}/topology", {
  params: { path: { cluster: CLUSTER }, header: { "If-None-Match": "*" } },
  body: topology,
});
assert.equal(again.error?.status, 412, "a cluster that is there can't be created");

const stored = answered(
  await client.GET("/v1/clusters/{cluster}/topology", { params: { path: { cluster: CLUSTER } } }),
);
assert.deepEqual(stored.groups?.[0]?.preferred_owners, ["0", "1"]);
assert.equal(stored.groups?.[0]?.resources?.[0]?.type, "process");

const before = await onlineOn("0");
const watched = onlineOn("1", before.tag);
const followed = follow("failover_closed");
const moved = answered(
  await client.POST("/v1/clusters/{cluster}/groups/{group}/move", {
    params: { path: { cluster: CLUSTER, group: GROUP }, query: { wait: "30s" } },
    body: { to: "1", reason: "the story goes on" },
  }),
);
assert("state" in moved, "a move answers with its operation");
assert.equal(moved.state, "succeeded", moved.message);
const after = await watched;
assert(after.changes > 1, "the watcher saw the group stop before it started");
assert(after.group.epoch > before.group.epoch, "the epoch rose");

const history = answered(
  await client.GET("/v1/clusters/{cluster}/failovers", {
    params: { path: { cluster: CLUSTER }, query: { group: GROUP, limit: 10 } },
  }),
);
const record = history.items.find((record) => record.cause === "operator_move");
assert(record, "the move is in the history");
assert.deepEqual(
  [record.from, record.to, record.outcome, record.epoch],
  ["0", "1", "succeeded", after.group.epoch],
);
assert.match(record.reason, /the story goes on$/);
assert.equal(record.release_proof, "acknowledged");

const sent = await followed;
const { items: events } = answered(
  await client.GET("/v1/clusters/{cluster}/events", {
    params: { path: { cluster: CLUSTER }, query: { limit: 1000 } },
  }),
);
assert.deepEqual(sent, events.slice(0, sent.length), "what was sent is what is listed");

console.log(
  `TypeScript: ${GROUP} moved from ${record.from} to ${record.to}, epoch ${before.group.epoch} to ${after.group.epoch}; ` +
    `${after.changes} changes watched, ${sent.length} events followed`,
);
