-- The whole topology: hosts and handlers, what holds for a whole cluster, and when nodes were lost. What was not written
-- before this is null and counts as its default.

alter table clusters add column policy text;
alter table clusters add column common_dependencies text;
alter table clusters add column waivers text;
alter table clusters add column maintenance text;

-- Somebody has heard of more than was stored, and no reign has waited since for all leases that may be out.
alter table clusters add column restored boolean not null default false;

-- When the node was lost, and whether it still is: what quarantine counts.
alter table nodes add column losses text;

create table hosts (
    cluster_id text not null references clusters (id) on delete cascade,
    name text not null,
    position bigint not null,
    spec text not null,
    generation bigint not null,
    primary key (cluster_id, name)
);

create table handlers (
    cluster_id text not null references clusters (id) on delete cascade,
    name text not null,
    position bigint not null,
    spec text not null,
    generation bigint not null,
    primary key (cluster_id, name)
);

-- Whether an operator's move put the group on its last owner: failback leaves it there.
alter table placements add column by_operator boolean not null default false;
