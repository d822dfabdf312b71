-- What is older than the retention is removed. Of what was before this, something may be gone; null: nothing is.
alter table clusters add column known_since text;

-- By these what is old is found, and the newest event of each kind that says where a group stands, which stays.
create index events_by_time on events (cluster_id, at, sequence);
create index events_by_subject on events (cluster_id, kind, subject, sequence);
create index operations_by_end on operations (cluster_id, ended_at);
