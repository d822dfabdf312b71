-- Ids, times (RFC 3339 with nine digits, so that they sort as text) and JSON are TEXT, numbers BIGINT: one text for
-- SQLite and PostgreSQL.

create table clusters (
    id text not null primary key,
    name text not null unique,
    settings text not null,
    generation bigint not null,
    decision bigint not null,
    term bigint not null,
    reign text,
    -- The longest lease that may be outstanding, in microseconds; 0 until a reign has begun. Never lowered.
    longest_lease_us bigint not null,
    -- The number of the newest event.
    last_event bigint not null,
    created_at text not null
);

create table nodes (
    cluster_id text not null references clusters (id) on delete cascade,
    name text not null,
    position bigint not null,
    spec text not null,
    wanted text not null,
    generation bigint not null,
    -- No longer in the topology; kept until nothing holds it.
    retired boolean not null,
    agent_id text,
    confirmed_down text,
    assignment text,
    assigned_at bigint not null default 0,
    primary key (cluster_id, name)
);

create table groups (
    cluster_id text not null references clusters (id) on delete cascade,
    name text not null,
    position bigint not null,
    spec text not null,
    wanted text not null,
    generation bigint not null,
    retired boolean not null,
    failed text,
    primary key (cluster_id, name)
);

-- Outlives its group, so that the epoch goes on where it was when a group of that name comes back.
create table placements (
    cluster_id text not null references clusters (id) on delete cascade,
    group_name text not null,
    epoch bigint not null,
    last_owner text,
    phase text not null,
    releasing_by bigint,
    release_proof text,
    release_evidence text,
    released_at text,
    cause text,
    primary key (cluster_id, group_name)
);

-- What follows is history: it outlives its cluster, whose name it keeps.

create table changes (
    cluster_id text not null,
    cluster text not null,
    generation bigint not null,
    at text not null,
    actor text not null,
    action text not null,
    before_document text,
    after_document text,
    primary key (cluster_id, generation)
);
create index changes_of_cluster on changes (cluster, at);

create table failovers (
    id text not null primary key,
    cluster_id text not null,
    cluster text not null,
    group_name text not null,
    cause text not null,
    actor text not null,
    reason text not null,
    from_node text,
    to_node text,
    epoch bigint,
    release_proof text,
    release_evidence text,
    outcome text not null,
    detected_at text not null,
    released_at text,
    start_begun_at text,
    online_at text,
    phases_ms text not null,
    max_overlap_ms bigint not null,
    verdicts text not null,
    decision bigint not null,
    acknowledged_by text,
    acknowledged_at text,
    comment text,
    -- An operator reset the group's budget after it.
    forgiven boolean not null default false
);
create index failovers_of_cluster on failovers (cluster_id, id);
create index failovers_by_time on failovers (cluster_id, detected_at);
create unique index failovers_open on failovers (cluster_id, group_name) where outcome = 'in_progress';

create table failover_steps (
    failover_id text not null references failovers (id) on delete cascade,
    position bigint not null,
    at text not null,
    what text not null,
    primary key (failover_id, position)
);

create table operations (
    id text not null primary key,
    cluster_id text not null,
    cluster text not null,
    kind text not null,
    target text not null,
    to_node text,
    reason text,
    actor text not null,
    state text not null,
    message text not null,
    decision bigint not null,
    created_at text not null,
    ended_at text
);
create index operations_of_cluster on operations (cluster_id, id);
create index operations_by_state on operations (cluster_id, state);

create table events (
    cluster_id text not null,
    cluster text not null,
    sequence bigint not null,
    at text not null,
    kind text not null,
    subject text not null,
    message text not null,
    primary key (cluster_id, sequence)
);
