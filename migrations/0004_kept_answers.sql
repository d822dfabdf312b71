-- What was answered to calls that carried an idempotency key: a repetition is answered the same, also after a restart.
create table kept_answers (
    idempotency_key text not null primary key,
    -- A hash of the method, the path, the query and the body.
    request text not null,
    status bigint not null,
    etag text,
    location text,
    -- Null where the call changed nothing, or where what it began tells more by now.
    body text,
    at text not null
);
create index kept_answers_by_time on kept_answers (at);
