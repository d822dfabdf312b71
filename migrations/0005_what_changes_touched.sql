-- What a change touched, instead of the whole document before and after it; null where these are kept. A whole one is kept
-- now and then, and what came after it is put together from there.
alter table changes add column touched text;
-- The whole documents, from which others are put together.
create index changes_kept_whole on changes (cluster_id, generation) where touched is null;
