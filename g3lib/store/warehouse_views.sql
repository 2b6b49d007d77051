-- Questions asked often enough to have a name: the leaderboard and the trace.

create view results.leaderboard as
with printed as (  -- a number repeated in several tables of one paper is one row
    select
        paper, benchmark, experiment, threshold_km, accuracy,
        string_agg(paper_table, ', ' order by paper_table) as paper_table,
        first(method order by paper_table) as method,
        first(variant order by paper_table) as variant,
        first(year order by paper_table) as year,
        first(basis order by paper_table) as basis,
        first(source order by paper_table) as source,
        first(caveat order by paper_table) as caveat,
        first(note order by paper_table) as note
    from results.published
    group by paper, benchmark, experiment, threshold_km, accuracy,
        case when experiment is null then concat_ws('|', method, variant, paper_table) end
)
select
    coalesce(measured.benchmark, printed.benchmark) as benchmark,
    coalesce(measured.experiment, printed.experiment) as experiment,
    coalesce(measured.method, printed.method) as method,
    case when measured.method is null then printed.variant else measured.variant end as variant,
    measured.lmm,
    measured.gallery_policy,
    coalesce(measured.threshold_km, printed.threshold_km) as threshold_km,
    measured.accuracy, measured.ci_low, measured.ci_high, measured.n, measured.n_failed,
    printed.accuracy as published,
    measured.accuracy - printed.accuracy as difference,
    printed.accuracy between measured.ci_low and measured.ci_high as covered,
    printed.paper, printed.paper_table, printed.variant as published_variant, printed.year,
    printed.basis, printed.source, printed.caveat, printed.note
from results.accuracy as measured
full join printed
    on printed.benchmark = measured.benchmark
    and printed.experiment = measured.experiment
    and printed.threshold_km = measured.threshold_km
    and coalesce(measured.gallery_policy, 'open') = 'open'  -- the papers' protocol
order by benchmark, experiment, method, variant, threshold_km;
comment on view results.leaderboard is 'Measured beside published: one row per measured accuracy and published counterpart; either side may be missing.';
comment on column results.leaderboard.benchmark is 'Dataset.';
comment on column results.leaderboard.experiment is 'Our experiment; null for a published row we do not repeat.';
comment on column results.leaderboard.method is 'Method.';
comment on column results.leaderboard.variant is 'Variant.';
comment on column results.leaderboard.lmm is 'The LMM of the measurement; stand-in is the demo''s own and no language model.';
comment on column results.leaderboard.gallery_policy is 'Gallery photos that a query may meet; published numbers stand beside open ones only, the papers'' protocol; null where nothing is retrieved or measured.';
comment on column results.leaderboard.threshold_km is 'Threshold, km.';
comment on column results.leaderboard.accuracy is 'Measured, a fraction; null if never measured.';
comment on column results.leaderboard.ci_low is 'Lower end of the measured 95 % interval.';
comment on column results.leaderboard.ci_high is 'Upper end of the measured 95 % interval.';
comment on column results.leaderboard.n is 'Queries measured.';
comment on column results.leaderboard.n_failed is 'Queries without a prediction.';
comment on column results.leaderboard.published is 'Published, a fraction; null if nothing is published.';
comment on column results.leaderboard.difference is 'Measured minus published, a fraction.';
comment on column results.leaderboard.covered is 'Whether the measured interval covers the published number.';
comment on column results.leaderboard.paper is 'Paper that prints the number.';
comment on column results.leaderboard.paper_table is 'Its table or tables.';
comment on column results.leaderboard.published_variant is 'Variant, as the paper names it.';
comment on column results.leaderboard.year is 'Year in which the method was published.';
comment on column results.leaderboard.basis is 'How we know the published number; see results.published.';
comment on column results.leaderboard.source is 'Where we have the published number from.';
comment on column results.leaderboard.caveat is 'What stands against the comparison.';
comment on column results.leaderboard.note is 'What a reader of the published number should know.';

create view results.table_3 as
with measured as (from results.reference_distance where kind = 'similar')
select
    coalesce(measured.benchmark, printed.benchmark) as benchmark,
    coalesce(measured.gallery, printed.gallery) as gallery,
    measured.policy,
    coalesce(measured.top, printed.top) as top,
    measured.mean_km, printed.mean_km as published_mean_km, measured.mean_km - printed.mean_km as mean_difference_km,
    measured.median_km, printed.median_km as published_median_km,
    measured.median_km - printed.median_km as median_difference_km,
    measured.max_km, printed.max_km as published_max_km, measured.max_km - printed.max_km as max_difference_km,
    measured.min_km, printed.min_km as published_min_km, measured.min_km - printed.min_km as min_difference_km,
    measured.queries, printed.embedding as published_embedding, printed.note
from measured
full join results.published_reference as printed
    on printed.benchmark = measured.benchmark and printed.gallery = measured.gallery
    and printed.top = measured.top and measured.policy = 'open'
order by benchmark, policy nulls last, top, gallery;
comment on view results.table_3 is 'Distance of the similar references to their query (G3, Table 3), with the published numbers beside the open gallery; either side may be missing. No interval is known for them.';
comment on column results.table_3.benchmark is 'Dataset of the queries.';
comment on column results.table_3.gallery is 'Whose embedding retrieves.';
comment on column results.table_3.policy is 'Gallery photos that may be retrieved; null if never measured.';
comment on column results.table_3.top is 'References per query.';
comment on column results.table_3.mean_km is 'Mean distance of a query''s references, km, over queries.';
comment on column results.table_3.published_mean_km is 'The same, published.';
comment on column results.table_3.mean_difference_km is 'Measured minus published, km.';
comment on column results.table_3.median_km is 'Median distance of a query''s references, km, over queries.';
comment on column results.table_3.published_median_km is 'The same, published.';
comment on column results.table_3.median_difference_km is 'Measured minus published, km.';
comment on column results.table_3.max_km is 'Distance of the farthest reference, km, over queries.';
comment on column results.table_3.published_max_km is 'The same, published.';
comment on column results.table_3.max_difference_km is 'Measured minus published, km.';
comment on column results.table_3.min_km is 'Distance of the nearest reference, km, over queries.';
comment on column results.table_3.published_min_km is 'The same, published.';
comment on column results.table_3.min_difference_km is 'Measured minus published, km.';
comment on column results.table_3.queries is 'Queries measured.';
comment on column results.table_3.published_embedding is 'The embedding, as the paper names it.';
comment on column results.table_3.note is 'What a reader of the published numbers should know.';

create macro lineage.trace(root_asset, root_partition := null) as table
with recursive upstream(depth, asset, partition, data_version) as (
    select 0, asset, partition, data_version
    from lineage.materialization
    where current and asset = root_asset and partition is not distinct from root_partition
    union
    select upstream.depth + 1, edge.upstream_asset, edge.upstream_partition, edge.upstream_data_version
    from upstream
    join lineage.input as edge
        on edge.asset = upstream.asset
        and edge.data_version = upstream.data_version
        and edge.partition is not distinct from upstream.partition
    where upstream.depth < 64  -- deeper than any workflow; ends a cycle that damaged records might hold
),
nearest as (
    select min(depth) as depth, asset, partition, data_version from upstream
    group by asset, partition, data_version
),
latest as (
    from lineage.materialization
    qualify row_number() over (
        partition by asset, partition, data_version order by current desc, finished_at desc
    ) = 1
)
select
    nearest.depth, nearest.asset, nearest.partition, nearest.data_version,
    latest.code_version, latest.git_commit, latest.config, latest.run_id, latest.mlflow_run_id,
    latest.path
from nearest
left join latest  -- an input nobody remembers stays, its columns null
    on latest.asset = nearest.asset
    and latest.data_version = nearest.data_version
    and latest.partition is not distinct from nearest.partition
order by nearest.depth, nearest.asset, nearest.partition;
comment on macro table lineage.trace is 'Everything upstream of a current materialization, itself at depth 0, down to the shards of asset photos and their metadata; each once, at its smallest depth: depth, asset, partition, data_version, code_version, git_commit, config, run_id, mlflow_run_id, path.';
