-- How far an operation has come, what to do after it failed, when it fails at the latest, and what was wanted of its target
-- before. Null for those that are older than this.
alter table operations add column phases text;
alter table operations add column progress text;
alter table operations add column next_step text;
alter table operations add column times_out_at text;
alter table operations add column wanted_before text;
