-- What was done to what, in words; null for changes that are older than this.
alter table changes add column message text;

-- The plan that a commit rests on, when it opened, went on with or ended failovers: the snapshot that it was made from and the
-- plan itself, as compressed JSON, and the version of the planner.
create table kept_plans (
    cluster_id text not null,
    decision bigint not null,
    planner_version bigint not null,
    snapshot blob not null,
    plan blob not null,
    primary key (cluster_id, decision)
);

-- A plan is kept for as long as one of its failovers is.
create table kept_plan_failovers (
    cluster_id text not null,
    decision bigint not null,
    failover_id text not null references failovers (id) on delete cascade,
    primary key (failover_id, decision),
    foreign key (cluster_id, decision) references kept_plans (cluster_id, decision) on delete cascade
);
create index kept_plan_failovers_of_plan on kept_plan_failovers (cluster_id, decision);
