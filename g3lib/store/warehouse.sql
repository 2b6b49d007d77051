-- The analysts' schema: every table, view and macro of warehouse.duckdb, each with its meaning.
-- Filled by warehouse_fill.sql and warehouse.py; the comments here are docs/warehouse.md.

create schema results;
create schema lineage;

create table results.prediction (
    benchmark varchar, experiment varchar, method varchar, variant varchar,
    photo_id varchar, author varchar,
    lat double, lon double, true_lat double, true_lon double, error_km double,
    source varchar, score double, lmm varchar, run_id varchar
);
comment on table results.prediction is 'The final answer to each query of each experiment: one row per query, failures included.';
comment on column results.prediction.benchmark is 'Dataset the queries come from.';
comment on column results.prediction.experiment is 'Name in the catalogue of experiments.';
comment on column results.prediction.method is 'Method, as tables print it.';
comment on column results.prediction.variant is 'Variant of the method, as tables print it.';
comment on column results.prediction.photo_id is 'Query; unique within the benchmark.';
comment on column results.prediction.author is 'Who took the photo; null if unknown.';
comment on column results.prediction.lat is 'Predicted latitude, degrees WGS 84; null if there is no prediction.';
comment on column results.prediction.lon is 'Predicted longitude, degrees in [-180, 180); null if there is no prediction.';
comment on column results.prediction.true_lat is 'Latitude of the photo''s GPS tag, degrees.';
comment on column results.prediction.true_lon is 'Longitude of the photo''s GPS tag, degrees.';
comment on column results.prediction.error_km is 'WGS 84 geodesic from prediction to truth, km; null is a failure and counts as a miss.';
comment on column results.prediction.source is 'Which candidate won: retrieval or the name of a prompt.';
comment on column results.prediction.score is 'The verifier''s cosine similarity of the winner; null without Geo-verification.';
comment on column results.prediction.lmm is 'The LMM that proposed candidates; null where none is used.';
comment on column results.prediction.run_id is 'Dagster run that made the row; joins lineage.run.';

create table results.candidate (
    benchmark varchar, experiment varchar, photo_id varchar, source varchar, rank integer,
    lat double, lon double, score double, chosen boolean, failure varchar,
    lmm varchar, tokens_in bigint, tokens_out bigint
);
comment on table results.candidate is 'Every candidate position of every query, also those that could not be parsed.';
comment on column results.candidate.benchmark is 'Dataset the queries come from.';
comment on column results.candidate.experiment is 'Name in the catalogue of experiments.';
comment on column results.candidate.photo_id is 'Query.';
comment on column results.candidate.source is 'retrieval, or the name of the prompt (prompt-0, prompt-5, ...).';
comment on column results.candidate.rank is 'Position within its source.';
comment on column results.candidate.lat is 'Latitude, degrees; null if the answer failed.';
comment on column results.candidate.lon is 'Longitude, degrees; null if the answer failed.';
comment on column results.candidate.score is 'The verifier''s cosine similarity; null if not scored.';
comment on column results.candidate.chosen is 'Whether this candidate became the prediction.';
comment on column results.candidate.failure is 'Why the answer is unusable; null if it is usable.';
comment on column results.candidate.lmm is 'The LMM asked; null for retrieval.';
comment on column results.candidate.tokens_in is 'Prompt tokens accounted to this row.';
comment on column results.candidate.tokens_out is 'Answer tokens accounted to this row.';

create table results.accuracy (
    benchmark varchar, experiment varchar, method varchar, variant varchar, lmm varchar,
    gallery_policy varchar, threshold_km integer, accuracy double, ci_low double, ci_high double,
    ci_iid_low double, ci_iid_high double, ci_author_low double, ci_author_high double,
    n bigint, n_failed bigint
);
comment on table results.accuracy is 'The measured tables: share of all queries closer than a threshold, with 95 % intervals.';
comment on column results.accuracy.benchmark is 'Dataset the queries come from.';
comment on column results.accuracy.experiment is 'Name in the catalogue of experiments.';
comment on column results.accuracy.method is 'Method, as tables print it.';
comment on column results.accuracy.variant is 'Variant of the method, as tables print it.';
comment on column results.accuracy.lmm is 'The LMM asked; stand-in is the demo''s own and no language model; null where none is used.';
comment on column results.accuracy.gallery_policy is 'Which gallery photos a query may meet; open excludes none.';
comment on column results.accuracy.threshold_km is 'Threshold, km; strict (error_km < threshold_km).';
comment on column results.accuracy.accuracy is 'Fraction of all n queries, failures being misses.';
comment on column results.accuracy.ci_low is 'Lower end of the wider of the two intervals, a fraction.';
comment on column results.accuracy.ci_high is 'Upper end of the wider of the two intervals, a fraction.';
comment on column results.accuracy.ci_iid_low is 'Lower end, queries resampled independently.';
comment on column results.accuracy.ci_iid_high is 'Upper end, queries resampled independently.';
comment on column results.accuracy.ci_author_low is 'Lower end, whole authors resampled.';
comment on column results.accuracy.ci_author_high is 'Upper end, whole authors resampled.';
comment on column results.accuracy.n is 'Queries, failures included.';
comment on column results.accuracy.n_failed is 'Queries without a prediction.';

create table results.summary (
    benchmark varchar, experiment varchar, method varchar, variant varchar, lmm varchar, n bigint,
    median_km double, mean_km double, geoscore double, parse_failure_rate double,
    tokens_in bigint, tokens_out bigint, cost_usd double, seconds double
);
comment on table results.summary is 'One row per benchmark and experiment: distances, GeoScore, failures, cost, time.';
comment on column results.summary.benchmark is 'Dataset the queries come from.';
comment on column results.summary.experiment is 'Name in the catalogue of experiments.';
comment on column results.summary.method is 'Method, as tables print it.';
comment on column results.summary.variant is 'Variant of the method, as tables print it.';
comment on column results.summary.lmm is 'The LMM asked; null where none is used.';
comment on column results.summary.n is 'Queries, failures included.';
comment on column results.summary.median_km is 'Median error over all queries, failures infinitely far; inf if most failed.';
comment on column results.summary.mean_km is 'Mean error over the answered queries only.';
comment on column results.summary.geoscore is 'Mean of 5000 exp(-error_km / 1492.7) over all queries, failures scoring 0.';
comment on column results.summary.parse_failure_rate is 'Share of LMM answers that are unusable; null without an LMM.';
comment on column results.summary.tokens_in is 'Prompt tokens of all candidates.';
comment on column results.summary.tokens_out is 'Answer tokens of all candidates.';
comment on column results.summary.cost_usd is 'Tokens times the profile''s prices, USD.';
comment on column results.summary.seconds is 'Work of the current candidates, scored_candidates and predictions; an interrupted run''s earlier part is not in it.';

create table results.published (
    paper varchar, paper_table varchar, method varchar, variant varchar, benchmark varchar,
    experiment varchar, threshold_km integer, accuracy double, note varchar
);
comment on table results.published is 'Accuracies the papers print.';
comment on column results.published.paper is 'Paper that prints the number.';
comment on column results.published.paper_table is 'Where in the paper; null if known only from later work.';
comment on column results.published.method is 'Method, as the paper names it.';
comment on column results.published.variant is 'Variant, as the paper names it; null if there is only one.';
comment on column results.published.benchmark is 'Dataset.';
comment on column results.published.experiment is 'Our experiment that repeats this row; null if none does.';
comment on column results.published.threshold_km is 'Threshold, km; null where only a relative gain is printed.';
comment on column results.published.accuracy is 'Fraction; null where only a relative gain is printed.';
comment on column results.published.note is 'What a reader of the number should know.';

create table results.published_reference (
    paper varchar, paper_table varchar, embedding varchar, top integer,
    mean_km double, median_km double, max_km double, min_km double, note varchar
);
comment on table results.published_reference is 'Published distances from queries to their retrieved references (G3, Table 3).';
comment on column results.published_reference.paper is 'Paper that prints the numbers.';
comment on column results.published_reference.paper_table is 'Where in the paper.';
comment on column results.published_reference.embedding is 'Whose embedding retrieves.';
comment on column results.published_reference.top is 'References per query.';
comment on column results.published_reference.mean_km is 'Mean distance of a query''s references, km, over queries.';
comment on column results.published_reference.median_km is 'Median distance of a query''s references, km, over queries.';
comment on column results.published_reference.max_km is 'Distance of the farthest reference, km, over queries.';
comment on column results.published_reference.min_km is 'Distance of the nearest reference, km, over queries.';
comment on column results.published_reference.note is 'What a reader of the numbers should know.';

create table results.photo (
    dataset varchar, photo_id varchar, author varchar, lat double, lon double, shard varchar
);
comment on table results.photo is 'Every photo of every shard, gallery and benchmarks.';
comment on column results.photo.dataset is 'Dataset; with photo_id the photo''s identity.';
comment on column results.photo.photo_id is 'Unique within the dataset.';
comment on column results.photo.author is 'Who took it; null if unknown.';
comment on column results.photo.lat is 'Latitude of the GPS tag, degrees WGS 84.';
comment on column results.photo.lon is 'Longitude of the GPS tag, degrees in [-180, 180).';
comment on column results.photo.shard is 'Partition of asset photos that holds it; joins lineage.materialization.';

create table lineage.materialization (
    asset varchar, partition varchar, data_version varchar, code_version varchar,
    run_id varchar, mlflow_run_id varchar, git_commit varchar,
    started_at timestamp, finished_at timestamp, rows bigint, bytes bigint,
    path varchar, config json, current boolean
);
comment on table lineage.materialization is 'Every artefact ever made, as far as files and the event log remember.';
comment on column lineage.materialization.asset is 'Asset.';
comment on column lineage.materialization.partition is 'Partition key; null for an unpartitioned asset.';
comment on column lineage.materialization.data_version is 'SHA-256 of the data.';
comment on column lineage.materialization.code_version is 'Version of the code that made it.';
comment on column lineage.materialization.run_id is 'Dagster run; joins lineage.run.';
comment on column lineage.materialization.mlflow_run_id is 'MLflow run; null for a stage that logs none.';
comment on column lineage.materialization.git_commit is 'Revision of the working tree.';
comment on column lineage.materialization.started_at is 'When the stage''s own work began, UTC.';
comment on column lineage.materialization.finished_at is 'When it ended, UTC.';
comment on column lineage.materialization.rows is 'Rows, or items in a folder.';
comment on column lineage.materialization.bytes is 'Size.';
comment on column lineage.materialization.path is 'Where the data lie, relative to G3_HOME.';
comment on column lineage.materialization.config is 'Every setting that determined the data, JSON.';
comment on column lineage.materialization.current is 'Whether the file on disk is this one; false if it was superseded or removed.';

create table lineage.input (
    asset varchar, partition varchar, data_version varchar,
    upstream_asset varchar, upstream_partition varchar, upstream_data_version varchar
);
comment on table lineage.input is 'What each artefact was made from: the edges of the graph. For data made more than once with the same outcome, the inputs of the current or else the latest time.';
comment on column lineage.input.asset is 'Asset.';
comment on column lineage.input.partition is 'Partition key; null for an unpartitioned asset.';
comment on column lineage.input.data_version is 'SHA-256 of the data.';
comment on column lineage.input.upstream_asset is 'Asset read.';
comment on column lineage.input.upstream_partition is 'Its partition; null for an unpartitioned asset.';
comment on column lineage.input.upstream_data_version is 'SHA-256 of what was read.';

create table lineage.run (
    run_id varchar, job varchar, status varchar,
    started_at timestamp, finished_at timestamp, tags json
);
comment on table lineage.run is 'Dagster runs.';
comment on column lineage.run.run_id is 'Identifier.';
comment on column lineage.run.job is 'Job.';
comment on column lineage.run.status is 'SUCCESS, FAILURE, STARTED, ...; as of publishing.';
comment on column lineage.run.started_at is 'UTC; null if it has not started.';
comment on column lineage.run.finished_at is 'UTC; null if it has not finished.';
comment on column lineage.run.tags is 'Tags, JSON.';

create table lineage."check" (
    asset varchar, partition varchar, data_version varchar, run_id varchar,
    name varchar, passed boolean, metadata json, current boolean
);
comment on table lineage."check" is 'Outcomes of the checks that judged an artefact when it was made.';
comment on column lineage."check".asset is 'Asset.';
comment on column lineage."check".partition is 'Partition key; null for an unpartitioned asset.';
comment on column lineage."check".data_version is 'SHA-256 of the data judged.';
comment on column lineage."check".run_id is 'Dagster run.';
comment on column lineage."check".name is 'Check.';
comment on column lineage."check".passed is 'Outcome.';
comment on column lineage."check".metadata is 'What the check found, JSON.';
comment on column lineage."check".current is 'Whether the artefact judged is the one on disk.';
