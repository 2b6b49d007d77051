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
    lat double, lon double, score double, chosen boolean, failure varchar, answer varchar,
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
comment on column results.candidate.answer is 'The answer''s text, its first 1,000 characters, where no position could be read from it; null otherwise.';
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
comment on column results.summary.cost_usd is 'Tokens times the LMM''s list prices, USD, without the Batch API''s discount; 0 without an LMM, null if a price is unknown.';
comment on column results.summary.seconds is 'Work of the current candidates, scored_candidates and predictions; an interrupted run''s earlier part is not in it.';

create table results.pool_choice (
    experiment varchar, lmm varchar, answers bigint, retrieved bigint, n bigint,
    within_1_km double, within_25_km double, within_200_km double, within_750_km double,
    within_2500_km double, median_km double, geoscore double, chosen boolean
);
comment on table results.pool_choice is 'How well the verifier does with every pool of N answers and S retrieved positions, on gallery photos of authors whom the heads have not seen.';
comment on column results.pool_choice.experiment is 'Name in the catalogue of experiments.';
comment on column results.pool_choice.lmm is 'The LMM asked; stand-in is the demo''s own and no language model.';
comment on column results.pool_choice.answers is 'N, answers to each prompt in the pool.';
comment on column results.pool_choice.retrieved is 'S, retrieved positions in the pool.';
comment on column results.pool_choice.n is 'Photos, failures included.';
comment on column results.pool_choice.within_1_km is 'Fraction of all n photos closer than 1 km.';
comment on column results.pool_choice.within_25_km is 'Fraction of all n photos closer than 25 km.';
comment on column results.pool_choice.within_200_km is 'Fraction of all n photos closer than 200 km.';
comment on column results.pool_choice.within_750_km is 'Fraction of all n photos closer than 750 km.';
comment on column results.pool_choice.within_2500_km is 'Fraction of all n photos closer than 2500 km.';
comment on column results.pool_choice.median_km is 'Median error over all photos, failures infinitely far; inf if most failed.';
comment on column results.pool_choice.geoscore is 'Mean of 5000 exp(-error_km / 1492.7) over all photos, failures scoring 0.';
comment on column results.pool_choice.chosen is 'Whether the experiment takes this pool.';

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
    paper varchar, paper_table varchar, benchmark varchar, embedding varchar, gallery varchar, top integer,
    mean_km double, median_km double, max_km double, min_km double, note varchar
);
comment on table results.published_reference is 'Published distances from queries to their retrieved references (G3, Table 3).';
comment on column results.published_reference.paper is 'Paper that prints the numbers.';
comment on column results.published_reference.paper_table is 'Where in the paper.';
comment on column results.published_reference.benchmark is 'Dataset.';
comment on column results.published_reference.embedding is 'Whose embedding retrieves, as the paper names it.';
comment on column results.published_reference.gallery is 'Our gallery of that embedding.';
comment on column results.published_reference.top is 'References per query.';
comment on column results.published_reference.mean_km is 'Mean distance of a query''s references, km, over queries.';
comment on column results.published_reference.median_km is 'Median distance of a query''s references, km, over queries.';
comment on column results.published_reference.max_km is 'Distance of the farthest reference, km, over queries.';
comment on column results.published_reference.min_km is 'Distance of the nearest reference, km, over queries.';
comment on column results.published_reference.note is 'What a reader of the numbers should know.';

create table results.reference_distance (
    benchmark varchar, gallery varchar, policy varchar, kind varchar, top integer,
    mean_km double, median_km double, max_km double, min_km double, queries integer, run_id varchar
);
comment on table results.reference_distance is 'Distances from queries to their retrieved references, per query, then averaged over queries.';
comment on column results.reference_distance.benchmark is 'Dataset of the queries.';
comment on column results.reference_distance.gallery is 'Whose embedding retrieves.';
comment on column results.reference_distance.policy is 'Gallery photos that may be retrieved: open, other-authors, other-authors-no-duplicates.';
comment on column results.reference_distance.kind is 'similar or dissimilar.';
comment on column results.reference_distance.top is 'References per query.';
comment on column results.reference_distance.mean_km is 'Mean distance of a query''s references, km, over queries.';
comment on column results.reference_distance.median_km is 'Median distance of a query''s references, km, over queries.';
comment on column results.reference_distance.max_km is 'Distance of the farthest reference, km, over queries.';
comment on column results.reference_distance.min_km is 'Distance of the nearest reference, km, over queries.';
comment on column results.reference_distance.queries is 'Queries with a known position.';
comment on column results.reference_distance.run_id is 'Dagster run that measured it.';

create table results.photo (
    dataset varchar, photo_id varchar, author varchar, licence varchar, lat double, lon double,
    width integer, height integer, bytes bigint, sha256 varchar, shard varchar
);
comment on table results.photo is 'Every photo of every shard, gallery and benchmarks.';
comment on column results.photo.dataset is 'Dataset; with photo_id the photo''s identity.';
comment on column results.photo.photo_id is 'Unique within the dataset.';
comment on column results.photo.author is 'Who took it; null if unknown.';
comment on column results.photo.licence is 'Under which licence it was published; unknown if its metadata do not tell.';
comment on column results.photo.lat is 'Latitude of the GPS tag, degrees WGS 84.';
comment on column results.photo.lon is 'Longitude of the GPS tag, degrees in [-180, 180).';
comment on column results.photo.width is 'Pixels, seen upright.';
comment on column results.photo.height is 'Pixels, seen upright.';
comment on column results.photo.bytes is 'Size of the encoded photo.';
comment on column results.photo.sha256 is 'Digest of the encoded photo.';
comment on column results.photo.shard is 'Partition of asset photos that holds it; joins lineage.materialization.';

create table results.photo_ledger (
    dataset varchar, shard varchar, photo_id varchar, fate varchar, detail varchar, origin varchar,
    http_status smallint, attempts smallint, bytes bigint, sha256 varchar
);
comment on table results.photo_ledger is 'What became of every photo that a shard was to hold: stored, or the reason why not.';
comment on column results.photo_ledger.dataset is 'Dataset.';
comment on column results.photo_ledger.shard is 'Partition of asset photos; joins lineage.materialization.';
comment on column results.photo_ledger.photo_id is 'Unique within the dataset.';
comment on column results.photo_ledger.fate is 'stored, or one named reason such as not_found, placeholder, does_not_decode, duplicate_id.';
comment on column results.photo_ledger.detail is 'What was found, in words; null if stored.';
comment on column results.photo_ledger.origin is 'URL, archive member or file that it came from.';
comment on column results.photo_ledger.http_status is 'The last answer of a server; null if none was asked.';
comment on column results.photo_ledger.attempts is 'Requests it took; 0 if no server was asked.';
comment on column results.photo_ledger.bytes is 'Size of what arrived; null if nothing did.';
comment on column results.photo_ledger.sha256 is 'Digest of what was stored; null if not stored.';

create table results.photo_census (
    dataset varchar, shard varchar, fate varchar, photos bigint, bytes bigint
);
comment on table results.photo_census is 'What is there, what is missing and why: photos of each shard by their fate.';
comment on column results.photo_census.dataset is 'Dataset.';
comment on column results.photo_census.shard is 'Partition of asset photos; null for photos of the metadata that no shard was to hold.';
comment on column results.photo_census.fate is 'stored, or the reason for absence; never_offered: in the metadata, in no shard.';
comment on column results.photo_census.photos is 'How many.';
comment on column results.photo_census.bytes is 'Their size, where known.';

create table results.photo_duplicate (
    kind varchar, distance integer, dataset varchar, photo_id varchar,
    other_dataset varchar, other_photo_id varchar
);
comment on table results.photo_duplicate is 'Photos that are the same picture, within and across datasets; they are kept, and counted here.';
comment on column results.photo_duplicate.kind is 'exact: the same bytes; near: perceptual hashes differ in few bits.';
comment on column results.photo_duplicate.distance is 'Differing bits of the two 64-bit perceptual hashes.';
comment on column results.photo_duplicate.dataset is 'Dataset of the photo.';
comment on column results.photo_duplicate.photo_id is 'The photo.';
comment on column results.photo_duplicate.other_dataset is 'Dataset of the photo it repeats.';
comment on column results.photo_duplicate.other_photo_id is 'The photo it repeats.';

create table results.leaked_query (
    kind varchar, distance integer, dataset varchar, photo_id varchar,
    other_dataset varchar, other_photo_id varchar
);
comment on table results.leaked_query is 'Queries whose own picture is in a gallery: whoever retrieves from it has seen the answer.';
comment on column results.leaked_query.kind is 'exact: the same bytes; near: perceptual hashes differ in few bits.';
comment on column results.leaked_query.distance is 'Differing bits of the two 64-bit perceptual hashes.';
comment on column results.leaked_query.dataset is 'Benchmark.';
comment on column results.leaked_query.photo_id is 'The query.';
comment on column results.leaked_query.other_dataset is 'Gallery.';
comment on column results.leaked_query.other_photo_id is 'The nearest gallery photo that is the same picture.';

create table results.author_overlap (
    gallery varchar, benchmark varchar, gallery_authors bigint, benchmark_authors bigint,
    authors_in_both bigint, queries bigint, queries_of_gallery_authors bigint, share double,
    gallery_photos bigint, gallery_photos_to_go bigint
);
comment on table results.author_overlap is 'Photographers who are in a gallery and in a benchmark; those that nobody names are left out.';
comment on column results.author_overlap.gallery is 'Dataset.';
comment on column results.author_overlap.benchmark is 'Dataset.';
comment on column results.author_overlap.gallery_authors is 'Photographers of the gallery.';
comment on column results.author_overlap.benchmark_authors is 'Photographers of the benchmark.';
comment on column results.author_overlap.authors_in_both is 'Photographers of both.';
comment on column results.author_overlap.queries is 'Photos of the benchmark.';
comment on column results.author_overlap.queries_of_gallery_authors is 'Queries whose photographer is in the gallery.';
comment on column results.author_overlap.share is 'Those queries as a fraction of all.';
comment on column results.author_overlap.gallery_photos is 'Photos of the gallery.';
comment on column results.author_overlap.gallery_photos_to_go is 'Gallery photos to leave out if no query may meet its photographer.';

create table results.metadata_finding (
    dataset varchar, name varchar, action varchar, rows bigint, detail varchar, example varchar
);
comment on table results.metadata_finding is 'What was found wrong in the metadata of a dataset, and what was done about it.';
comment on column results.metadata_finding.dataset is 'Dataset.';
comment on column results.metadata_finding.name is 'What it is, such as swapped_coordinates.';
comment on column results.metadata_finding.action is 'repaired: the evidence is conclusive; refused: those photos are left out; noted: kept as it is.';
comment on column results.metadata_finding.rows is 'Rows concerned.';
comment on column results.metadata_finding.detail is 'The evidence.';
comment on column results.metadata_finding.example is 'The first row concerned, as the file has it.';

create table results.place (
    dataset varchar, photo_id varchar, neighbourhood varchar, city varchar, county varchar, state varchar,
    region varchar, country varchar, country_code varchar, continent varchar, source varchar,
    place_km double, caption varchar, caption_neighbourhood varchar
);
comment on table results.place is 'The place names of every photo, and the caption made of them.';
comment on column results.place.dataset is 'Dataset.';
comment on column results.place.photo_id is 'The photo.';
comment on column results.place.neighbourhood is 'Part of the city; null if unknown.';
comment on column results.place.city is 'City, town or village.';
comment on column results.place.county is 'Second-order division.';
comment on column results.place.state is 'First-order division.';
comment on column results.place.region is 'Larger than a state; most geocoders know none.';
comment on column results.place.country is 'Country; null at sea.';
comment on column results.place.country_code is 'ISO 3166-1 alpha-2, lower case.';
comment on column results.place.continent is 'Continent.';
comment on column results.place.source is 'Where the names come from: the dataset''s own metadata, polygons and nearest place, or Nominatim.';
comment on column results.place.place_km is 'Kilometres to the place that names the city; null if a source does not tell.';
comment on column results.place.caption is 'What the text tower reads.';
comment on column results.place.caption_neighbourhood is 'The same with the neighbourhood (G3-N); null where nothing is known.';

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
