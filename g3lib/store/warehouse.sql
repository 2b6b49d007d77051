-- The analysts' schema: every table, view and macro of warehouse.duckdb, each with its meaning.
-- Filled by warehouse_fill.sql and warehouse.py; the comments here are docs/warehouse.md.

create schema results;
create schema lineage;

create table results.prediction (
    benchmark varchar, experiment varchar, method varchar, variant varchar, gallery_policy varchar,
    photo_id varchar, author varchar,
    lat double, lon double, true_lat double, true_lon double, error_km double, error_haversine_km double,
    city varchar, state varchar, country varchar, continent varchar,
    source varchar, score double, lmm varchar, run_id varchar
);
comment on table results.prediction is 'The final answer to each query of each experiment: one row per query, failures included.';
comment on column results.prediction.benchmark is 'Dataset the queries come from.';
comment on column results.prediction.experiment is 'Name in the catalogue of experiments.';
comment on column results.prediction.method is 'Method, as tables print it.';
comment on column results.prediction.variant is 'Variant of the method, as tables print it.';
comment on column results.prediction.gallery_policy is 'Gallery photos that a query may meet: open, other-authors, other-authors-no-duplicates; null where nothing is retrieved.';
comment on column results.prediction.photo_id is 'Query; unique within the benchmark.';
comment on column results.prediction.author is 'Who took the photo; null if unknown.';
comment on column results.prediction.lat is 'Predicted latitude, degrees WGS 84; null if there is no prediction.';
comment on column results.prediction.lon is 'Predicted longitude, degrees in [-180, 180); null if there is no prediction.';
comment on column results.prediction.true_lat is 'Latitude of the photo''s GPS tag, degrees.';
comment on column results.prediction.true_lon is 'Longitude of the photo''s GPS tag, degrees.';
comment on column results.prediction.error_km is 'WGS 84 geodesic from prediction to truth, km; null is a failure and counts as a miss.';
comment on column results.prediction.error_haversine_km is 'The same on the mean sphere, as older papers measure; null for a failure.';
comment on column results.prediction.city is 'City of the predicted position, offline from GeoNames; null in the wilderness, at sea and for a failure.';
comment on column results.prediction.state is 'Its state or province.';
comment on column results.prediction.country is 'Its country.';
comment on column results.prediction.continent is 'Its continent.';
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
    accuracy_haversine double, n bigint, n_failed bigint
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
comment on column results.accuracy.accuracy_haversine is 'The same by distances on the mean sphere, as older papers measure.';
comment on column results.accuracy.n is 'Queries, failures included.';
comment on column results.accuracy.n_failed is 'Queries without a prediction.';

create table results.summary (
    benchmark varchar, experiment varchar, method varchar, variant varchar, lmm varchar,
    gallery_policy varchar, n bigint, median_km double, mean_km double, p90_km double, geoscore double, parse_failure_rate double,
    tokens_in bigint, tokens_out bigint, cost_usd double, seconds double
);
comment on table results.summary is 'One row per benchmark and experiment: distances, GeoScore, failures, cost, time.';
comment on column results.summary.benchmark is 'Dataset the queries come from.';
comment on column results.summary.experiment is 'Name in the catalogue of experiments.';
comment on column results.summary.method is 'Method, as tables print it.';
comment on column results.summary.variant is 'Variant of the method, as tables print it.';
comment on column results.summary.lmm is 'The LMM asked; null where none is used.';
comment on column results.summary.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.summary.n is 'Queries, failures included.';
comment on column results.summary.median_km is 'Median error over all queries, failures infinitely far; inf if most failed.';
comment on column results.summary.mean_km is 'Mean error over the answered queries only.';
comment on column results.summary.p90_km is '90th percentile of the error over all queries, failures infinitely far.';
comment on column results.summary.geoscore is 'Mean of 5000 exp(-error_km / 1492.7) over all queries, failures scoring 0.';
comment on column results.summary.parse_failure_rate is 'Share of LMM answers that are unusable; null without an LMM.';
comment on column results.summary.tokens_in is 'Prompt tokens of all candidates.';
comment on column results.summary.tokens_out is 'Answer tokens of all candidates.';
comment on column results.summary.cost_usd is 'Tokens times the LMM''s list prices, USD, without the Batch API''s discount; 0 without an LMM, null if a price is unknown.';
comment on column results.summary.seconds is 'Work of the current candidates, scored_candidates and predictions; an interrupted run''s earlier part is not in it.';

create table results.query (
    benchmark varchar,
    photo_id varchar,
    author varchar,
    lat double,
    lon double,
    city varchar,
    state varchar,
    country varchar,
    continent varchar,
    scene varchar,
    bits_per_pixel double,
    detail varchar,
    gallery_km double,
    gallery_km_other_authors double,
    gallery_km_other_authors_no_duplicates double,
    run_id varchar
);
comment on table results.query is 'What is known of each query whatever is predicted for it: where it was taken, what it shows, how near the gallery comes.';
comment on column results.query.benchmark is 'Dataset.';
comment on column results.query.photo_id is 'Photo.';
comment on column results.query.author is 'Photographer.';
comment on column results.query.lat is 'True latitude, degrees.';
comment on column results.query.lon is 'True longitude, degrees.';
comment on column results.query.city is 'City, offline from GeoNames, as for predictions; null in the wilderness and at sea.';
comment on column results.query.state is 'State or province.';
comment on column results.query.country is 'Country.';
comment on column results.query.continent is 'Continent; null at sea.';
comment on column results.query.scene is 'indoor, natural or urban, as the dataset''s metadata say (Places365); null where they say nothing.';
comment on column results.query.bits_per_pixel is 'Size of the compressed photo by its pixels: photos of sea, snow and sky have few.';
comment on column results.query.detail is 'Third of the benchmark by bits per pixel: little, medium, much.';
comment on column results.query.gallery_km is 'Distance to the nearest photo of the gallery, km.';
comment on column results.query.gallery_km_other_authors is 'The same among photos of other authors; null if there are none.';
comment on column results.query.gallery_km_other_authors_no_duplicates is 'The same without copies of the query too.';
comment on column results.query.run_id is 'Dagster run that made the row.';

create table results.reference (
    benchmark varchar,
    gallery varchar,
    policy varchar,
    photo_id varchar,
    kind varchar,
    rank integer,
    reference_dataset varchar,
    reference_id varchar,
    reference_author varchar,
    lat double,
    lon double,
    similarity float
);
comment on table results.reference is 'Gallery photos that retrieval returned for each query, by gallery and policy.';
comment on column results.reference.benchmark is 'Dataset of the query.';
comment on column results.reference.gallery is 'Whose embedding retrieves.';
comment on column results.reference.policy is 'Gallery photos that may be retrieved.';
comment on column results.reference.photo_id is 'Query.';
comment on column results.reference.kind is 'similar or dissimilar.';
comment on column results.reference.rank is 'From 0.';
comment on column results.reference.reference_dataset is 'Dataset of the gallery photo.';
comment on column results.reference.reference_id is 'Gallery photo.';
comment on column results.reference.reference_author is 'Its photographer.';
comment on column results.reference.lat is 'Its latitude, degrees.';
comment on column results.reference.lon is 'Its longitude, degrees.';
comment on column results.reference.similarity is 'Inner product of the embeddings.';

create table results.accuracy_by_continent (
    benchmark varchar,
    experiment varchar,
    method varchar,
    variant varchar,
    lmm varchar,
    gallery_policy varchar,
    continent varchar,
    threshold_km integer,
    accuracy double,
    ci_low double,
    ci_high double,
    n bigint,
    n_failed bigint
);
comment on table results.accuracy_by_continent is 'The accuracies by the continent where the queries were taken.';
comment on column results.accuracy_by_continent.benchmark is 'Dataset.';
comment on column results.accuracy_by_continent.experiment is 'Name of the experiment, with its gallery policy and LMM if they are not the usual ones.';
comment on column results.accuracy_by_continent.method is 'Method.';
comment on column results.accuracy_by_continent.variant is 'Variant.';
comment on column results.accuracy_by_continent.lmm is 'LMM that was asked; stand-in is the demo''s own and no language model.';
comment on column results.accuracy_by_continent.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.accuracy_by_continent.continent is 'True continent; none at sea.';
comment on column results.accuracy_by_continent.threshold_km is 'Closer than this, km.';
comment on column results.accuracy_by_continent.accuracy is 'Share of the queries, a fraction.';
comment on column results.accuracy_by_continent.ci_low is 'Lower end of the 95 % interval: the wider of i.i.d. and clustered by author.';
comment on column results.accuracy_by_continent.ci_high is 'Upper end.';
comment on column results.accuracy_by_continent.n is 'Queries.';
comment on column results.accuracy_by_continent.n_failed is 'Queries without a prediction; they count as misses.';

create table results.place_accuracy (
    benchmark varchar,
    experiment varchar,
    method varchar,
    variant varchar,
    lmm varchar,
    gallery_policy varchar,
    level varchar,
    accuracy double,
    ci_low double,
    ci_high double,
    n bigint,
    n_failed bigint
);
comment on table results.place_accuracy is 'Share of the queries whose predicted place has the name of the true one.';
comment on column results.place_accuracy.benchmark is 'Dataset.';
comment on column results.place_accuracy.experiment is 'Name of the experiment, with its gallery policy and LMM if they are not the usual ones.';
comment on column results.place_accuracy.method is 'Method.';
comment on column results.place_accuracy.variant is 'Variant.';
comment on column results.place_accuracy.lmm is 'LMM that was asked; stand-in is the demo''s own and no language model.';
comment on column results.place_accuracy.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.place_accuracy.level is 'continent, country, state or city; a city counts only with its state and country.';
comment on column results.place_accuracy.accuracy is 'Share of the queries, a fraction.';
comment on column results.place_accuracy.ci_low is 'Lower end of the 95 % interval: the wider of i.i.d. and clustered by author.';
comment on column results.place_accuracy.ci_high is 'Upper end.';
comment on column results.place_accuracy.n is 'Queries whose true place has a name at that level.';
comment on column results.place_accuracy.n_failed is 'Queries without a prediction; they count as misses.';

create table results.comparison (
    benchmark varchar,
    experiment varchar,
    other varchar,
    threshold_km integer,
    accuracy double,
    other_accuracy double,
    difference double,
    ci_low double,
    ci_high double,
    n bigint,
    only_experiment bigint,
    only_other bigint,
    p_mcnemar double,
    p_holm double,
    run_id varchar
);
comment on table results.comparison is 'Any two experiments of a benchmark on the same queries: the difference of their accuracies, and whether it is more than chance.';
comment on column results.comparison.benchmark is 'Dataset.';
comment on column results.comparison.experiment is 'One experiment.';
comment on column results.comparison.other is 'The other.';
comment on column results.comparison.threshold_km is 'Closer than this, km.';
comment on column results.comparison.accuracy is 'Of the one, a fraction.';
comment on column results.comparison.other_accuracy is 'Of the other.';
comment on column results.comparison.difference is 'One minus other, a fraction.';
comment on column results.comparison.ci_low is 'Lower end of the 95 % interval of the difference by paired bootstrap: the wider of i.i.d. and clustered by author.';
comment on column results.comparison.ci_high is 'Upper end.';
comment on column results.comparison.n is 'Queries.';
comment on column results.comparison.only_experiment is 'Queries that only the one has within the threshold.';
comment on column results.comparison.only_other is 'Queries that only the other has.';
comment on column results.comparison.p_mcnemar is 'Exact two-sided McNemar test; photos of one author are taken for independent.';
comment on column results.comparison.p_holm is 'The same after Holm''s correction over all benchmarks and thresholds of the pair.';
comment on column results.comparison.run_id is 'Dagster run that made the row.';

create table results.diagnosis (
    benchmark varchar,
    experiment varchar,
    gallery_policy varchar,
    photo_id varchar,
    author varchar,
    error_km double,
    score double,
    candidates integer,
    oracle_1_km double,
    oracle_5_km double,
    oracle_10_km double,
    oracle_20_km double,
    oracle_km double,
    reference_km double,
    gallery_km double,
    probability_1_km double,
    probability_25_km double,
    probability_200_km double,
    probability_750_km double,
    probability_2500_km double,
    run_id varchar
);
comment on table results.diagnosis is 'Each prediction taken apart: the nearest candidate, reference and gallery photo, and how sure the verifier may be.';
comment on column results.diagnosis.benchmark is 'Dataset.';
comment on column results.diagnosis.experiment is 'Experiment.';
comment on column results.diagnosis.gallery_policy is 'Gallery photos that the query may meet; null where nothing is retrieved.';
comment on column results.diagnosis.photo_id is 'Query.';
comment on column results.diagnosis.author is 'Photographer.';
comment on column results.diagnosis.error_km is 'Error of the prediction, km; null for a failure.';
comment on column results.diagnosis.score is 'Verifier''s score of the chosen candidate, a cosine.';
comment on column results.diagnosis.candidates is 'Candidates with a position.';
comment on column results.diagnosis.oracle_1_km is 'Distance of the nearest among the first 1 candidates by score, km.';
comment on column results.diagnosis.oracle_5_km is 'Distance of the nearest among the first 5 candidates by score, km.';
comment on column results.diagnosis.oracle_10_km is 'Distance of the nearest among the first 10 candidates by score, km.';
comment on column results.diagnosis.oracle_20_km is 'Distance of the nearest among the first 20 candidates by score, km.';
comment on column results.diagnosis.oracle_km is 'Distance of the nearest candidate of all, km; null without candidates.';
comment on column results.diagnosis.reference_km is 'Distance of the nearest similar reference that was retrieved, km.';
comment on column results.diagnosis.gallery_km is 'Distance of the nearest gallery photo that the policy allows, km.';
comment on column results.diagnosis.probability_1_km is 'Chance of lying within 1 km, judged by the scores of other authors'' photos; null without a score.';
comment on column results.diagnosis.probability_25_km is 'Chance of lying within 25 km, judged by the scores of other authors'' photos; null without a score.';
comment on column results.diagnosis.probability_200_km is 'Chance of lying within 200 km, judged by the scores of other authors'' photos; null without a score.';
comment on column results.diagnosis.probability_750_km is 'Chance of lying within 750 km, judged by the scores of other authors'' photos; null without a score.';
comment on column results.diagnosis.probability_2500_km is 'Chance of lying within 2500 km, judged by the scores of other authors'' photos; null without a score.';
comment on column results.diagnosis.run_id is 'Dagster run that made the row.';

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
    paper varchar, paper_table varchar, year integer, method varchar, variant varchar, benchmark varchar,
    experiment varchar, threshold_km integer, accuracy double, basis varchar, source varchar, caveat varchar,
    note varchar
);
comment on table results.published is 'Published accuracies: the papers'' baselines and the state of the art; docs/published.md says what the marks mean.';
comment on column results.published.paper is 'Paper that prints the number.';
comment on column results.published.paper_table is 'Where in the paper; null if known only from later work.';
comment on column results.published.year is 'Year in which the method was published.';
comment on column results.published.method is 'Method, as the paper names it.';
comment on column results.published.variant is 'Variant, as the paper names it; null if there is only one.';
comment on column results.published.benchmark is 'Dataset.';
comment on column results.published.experiment is 'Our experiment that repeats this row; null if none does.';
comment on column results.published.threshold_km is 'Threshold, km; null where only a relative gain is printed.';
comment on column results.published.accuracy is 'Fraction; null where only a relative gain is printed.';
comment on column results.published.basis is 'How we know it: paper, read in that paper; code, in its authors'' repository; secondary, quoted by others, the paper''s own table not seen; re-run, obtained by others than the method''s authors; unverified, not checked against any text.';
comment on column results.published.source is 'Where we have the number from.';
comment on column results.published.caveat is 'What stands against a comparison: who re-ran what, another protocol, rounding, part of a test set; null if nothing is known.';
comment on column results.published.note is 'Settings, and anything else a reader of the number should know.';

create table results.published_metric (
    paper varchar, method varchar, variant varchar, benchmark varchar, metric varchar, value double,
    basis varchar, source varchar, caveat varchar
);
comment on table results.published_metric is 'Published measures that are no accuracy within a distance of the benchmark''s own queries: GeoScore, errors, place names, oracles.';
comment on column results.published_metric.paper is 'Paper that prints the number.';
comment on column results.published_metric.method is 'Method, as the paper names it.';
comment on column results.published_metric.variant is 'Variant, as the paper names it; null if there is only one.';
comment on column results.published_metric.benchmark is 'Dataset.';
comment on column results.published_metric.metric is 'What is measured; names in _km are kilometres, in _accuracy or _share fractions.';
comment on column results.published_metric.value is 'The number.';
comment on column results.published_metric.basis is 'How we know it; as in results.published.';
comment on column results.published_metric.source is 'Where we have the number from.';
comment on column results.published_metric.caveat is 'What stands against a comparison; null if nothing is known.';

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
comment on table results.leaked_query is 'Queries whose own picture is in a gallery or training set: whoever retrieves or learns from it has seen the answer.';
comment on column results.leaked_query.kind is 'exact: the same bytes; near: perceptual hashes differ in few bits.';
comment on column results.leaked_query.distance is 'Differing bits of the two 64-bit perceptual hashes.';
comment on column results.leaked_query.dataset is 'Benchmark.';
comment on column results.leaked_query.photo_id is 'The query.';
comment on column results.leaked_query.other_dataset is 'Gallery or training set.';
comment on column results.leaked_query.other_photo_id is 'The nearest photo there that is the same picture.';

create table results.author_overlap (
    gallery varchar, benchmark varchar, gallery_authors bigint, benchmark_authors bigint,
    authors_in_both bigint, queries bigint, queries_of_gallery_authors bigint, share double,
    gallery_photos bigint, gallery_photos_to_go bigint
);
comment on table results.author_overlap is 'Photographers who are in a gallery or training set and in a benchmark; those that nobody names are left out.';
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
comment on column results.metadata_finding.action is 'repaired: the evidence is conclusive; refused: those photos cannot be used; left out: the dataset takes a part of its files; noted: kept as it is.';
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
    path varchar, config json, profile varchar, current boolean
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
comment on column lineage.materialization.profile is 'SHA-256 of the whole profile, kept as profiles/<sha>.json; null in records of earlier versions.';
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
