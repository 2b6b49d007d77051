-- Lineage from the registered frames `records` (record JSON, current) and `run_rows`.
set timezone = 'UTC';

insert into lineage.materialization by name
select
    record->>'asset' as asset,
    record->>'partition' as partition,
    record->>'data_version' as data_version,
    record->>'code_version' as code_version,
    record->>'run_id' as run_id,
    record->>'mlflow_run_id' as mlflow_run_id,
    record->>'git_commit' as git_commit,
    cast(record->>'started_at' as timestamptz) as started_at,
    cast(record->>'finished_at' as timestamptz) as finished_at,
    cast(record->>'rows' as bigint) as rows,
    cast(record->>'bytes' as bigint) as bytes,
    record->>'path' as path,
    record->'config' as config,
    nullif(record->>'profile', '') as profile,
    current
from records
order by finished_at;

insert into lineage.input
with latest as (
    from records
    qualify row_number() over (
        partition by record->>'asset', record->>'partition', record->>'data_version'
        order by current desc, record->>'finished_at' desc
    ) = 1
),
edges as (
    select record, unnest(from_json(record->'inputs', '[["VARCHAR"]]')) as edge from latest
)
select distinct
    record->>'asset', record->>'partition', record->>'data_version', edge[1], edge[2], edge[3]
from edges;

insert into lineage."check"
with judged as (
    select record, current, unnest(cast(record->'checks' as json[])) as outcome from records
)
select
    record->>'asset', record->>'partition', record->>'data_version', record->>'run_id',
    outcome->>0, cast(outcome->>1 as boolean), outcome->2, current
from judged;

insert into lineage.run by name
select
    run_id, job, status,
    cast(started_at as timestamptz) as started_at,
    cast(finished_at as timestamptz) as finished_at,
    tags
from run_rows;
