-- The papers' tables, measured beside published; the state of the art; what retrieval found; the worst misses.
-- results.paper_row, which says what stands in each table, and results.table_1, results.figure_3, ... themselves are made
-- by paper_views.py from the list of tables; their columns are those of results.paper_result.

create view results.paper_result as
with printed as (
    select
        entry.name, entry.place, entry.experiment, published.benchmark, published.threshold_km, published.accuracy,
        published.method, published.variant, published.basis, published.source, published.caveat, published.note
    from results.paper_row as entry
    join results.published as published
        on published.paper = entry.paper and published.paper_table = entry.paper_table
        and published.method = entry.method and published.variant is not distinct from entry.variant
),
measured as (  -- with its arms: other gallery policies, other LMMs
    select entry.name, entry.place, accuracy.*
    from results.paper_row as entry
    join results.accuracy as accuracy
        on regexp_extract(accuracy.experiment, '^[^+@]+') = entry.experiment
)
select
    coalesce(measured.name, printed.name) as name,
    coalesce(measured.place, printed.place) as place,
    coalesce(measured.benchmark, printed.benchmark) as benchmark,
    coalesce(measured.experiment, printed.experiment) as experiment,
    coalesce(measured.method, printed.method) as method,
    case when measured.method is null then printed.variant else measured.variant end as variant,
    measured.lmm, measured.gallery_policy,
    coalesce(measured.threshold_km, printed.threshold_km) as threshold_km,
    measured.accuracy, measured.ci_low, measured.ci_high, measured.n, measured.n_failed,
    printed.accuracy as published,
    measured.accuracy - printed.accuracy as difference,
    printed.accuracy between measured.ci_low and measured.ci_high as covered,
    printed.variant as published_variant, printed.basis, printed.source, printed.caveat, printed.note
from measured
full join printed
    on printed.name = measured.name and printed.place = measured.place
    and printed.benchmark = measured.benchmark
    and printed.experiment = measured.experiment
    and printed.threshold_km = measured.threshold_km
    and coalesce(measured.gallery_policy, 'open') = 'open'
order by name, benchmark, place, gallery_policy nulls first, experiment, threshold_km;
comment on view results.paper_result is 'Every table and figure of accuracies that a paper prints, measured beside published: one row per table, benchmark, experiment and threshold. results.table_1 and the like are parts of it.';
comment on column results.paper_result.name is 'Table or figure: table_1, figure_3, ...';
comment on column results.paper_result.place is 'Where the row stands in the table, from 0: first what the paper prints, then what is measured besides.';
comment on column results.paper_result.benchmark is 'Dataset.';
comment on column results.paper_result.experiment is 'Our experiment; its gallery policy follows a +, another LMM an @; null for a published row we do not repeat.';
comment on column results.paper_result.method is 'Method.';
comment on column results.paper_result.variant is 'Variant.';
comment on column results.paper_result.lmm is 'The LMM of the measurement; stand-in is the demo''s own and no language model.';
comment on column results.paper_result.gallery_policy is 'Gallery photos that a query may meet; published numbers stand beside open ones only, the papers'' protocol; null where nothing is retrieved or measured.';
comment on column results.paper_result.threshold_km is 'Threshold, km; null where only a relative gain is printed.';
comment on column results.paper_result.accuracy is 'Measured, a fraction; null if never measured.';
comment on column results.paper_result.ci_low is 'Lower end of the measured 95 % interval.';
comment on column results.paper_result.ci_high is 'Upper end of the measured 95 % interval.';
comment on column results.paper_result.n is 'Queries measured.';
comment on column results.paper_result.n_failed is 'Queries without a prediction.';
comment on column results.paper_result.published is 'Published, a fraction; null if nothing is printed.';
comment on column results.paper_result.difference is 'Measured minus published, a fraction.';
comment on column results.paper_result.covered is 'Whether the measured interval covers the published number.';
comment on column results.paper_result.published_variant is 'Variant, as the paper names it.';
comment on column results.paper_result.basis is 'How we know the published number; see results.published.';
comment on column results.paper_result.source is 'Where we have the published number from.';
comment on column results.paper_result.caveat is 'What stands against the comparison.';
comment on column results.paper_result.note is 'Settings, and anything else a reader of the published number should know.';

create view results.state_of_the_art as
with printed as (
    select
        paper, paper_table, year, method, variant, benchmark, experiment, basis, source, caveat,
        list({threshold_km: threshold_km, accuracy: accuracy} order by threshold_km) as numbers
    from results.published
    where accuracy is not null
    group by all
),
once as (  -- what one paper repeats from table to table is one row
    select
        paper, method, benchmark, numbers, first(year order by paper_table) as year,
        first(variant order by paper_table) as variant, first(experiment order by paper_table) as experiment,
        first(basis order by paper_table) as basis, first(source order by paper_table) as source,
        first(caveat order by paper_table) as caveat
    from printed
    group by paper, method, benchmark, numbers
),
everything as (
    select * exclude (numbers, number), number.threshold_km, number.accuracy, false as ours
    from (select *, unnest(numbers) as number from once)
    union all by name
    select
        benchmark, experiment, method, variant, lmm, gallery_policy, threshold_km,
        accuracy, ci_low, ci_high, n, true as ours
    from results.accuracy
)
select
    benchmark, threshold_km,
    rank() over (partition by benchmark, threshold_km order by accuracy desc) as rank,
    method, variant, year, accuracy, ours, ci_low, ci_high, n, experiment, lmm, gallery_policy,
    paper, basis, source, caveat
from everything
order by benchmark, threshold_km, rank, ours, method, variant;
comment on view results.state_of_the_art is 'Every published accuracy, each once per paper, and ours among them, ranked by benchmark and threshold.';
comment on column results.state_of_the_art.benchmark is 'Dataset.';
comment on column results.state_of_the_art.threshold_km is 'Threshold, km.';
comment on column results.state_of_the_art.rank is 'From 1, the highest accuracy, whatever its basis or gallery policy; filter, and rank anew, for fewer.';
comment on column results.state_of_the_art.method is 'Method.';
comment on column results.state_of_the_art.variant is 'Variant; null if there is only one.';
comment on column results.state_of_the_art.year is 'Year in which the method was published; null for ours.';
comment on column results.state_of_the_art.accuracy is 'A fraction.';
comment on column results.state_of_the_art.ours is 'Whether it was measured here.';
comment on column results.state_of_the_art.ci_low is 'Lower end of the 95 % interval; null for others, who print none.';
comment on column results.state_of_the_art.ci_high is 'Upper end of the 95 % interval; null for others.';
comment on column results.state_of_the_art.n is 'Queries measured; null for others.';
comment on column results.state_of_the_art.experiment is 'Our experiment, or the one that repeats a published row.';
comment on column results.state_of_the_art.lmm is 'The LMM of our measurement; stand-in is the demo''s own and no language model.';
comment on column results.state_of_the_art.gallery_policy is 'Gallery photos that a query may meet; null for others and where nothing is retrieved.';
comment on column results.state_of_the_art.paper is 'Paper that prints the number; null for ours.';
comment on column results.state_of_the_art.basis is 'How we know it; see results.published; null for ours.';
comment on column results.state_of_the_art.source is 'Where we have the number from; null for ours.';
comment on column results.state_of_the_art.caveat is 'What stands against a comparison.';

create view results.case_study as
with pairs as (
    select
        reference.benchmark, reference.photo_id, reference.gallery, reference.policy, reference.rank,
        reference.reference_dataset, reference.reference_id, reference.reference_author,
        reference.reference_author = query.author as same_author,
        reference.similarity, reference.lat, reference.lon, query.lat as true_lat, query.lon as true_lon,
        2 * 6371.0088 * asin(least(1, sqrt(
            pow(sin(radians(reference.lat - query.lat) / 2), 2)
            + cos(radians(query.lat)) * cos(radians(reference.lat)) * pow(sin(radians(reference.lon - query.lon) / 2), 2)
        ))) as distance_km
    from results.reference as reference
    join results.query as query using (benchmark, photo_id)
    where reference.kind = 'similar'
)
select
    *,
    count(*) filter (rank < 5 and distance_km < 1)
        over (partition by benchmark, photo_id, gallery, policy) as within_1_km_of_5,
    median(distance_km) filter (rank < 5)
        over (partition by benchmark, photo_id, gallery, policy) as median_km_of_5
from pairs;
comment on view results.case_study is 'What each gallery returns for each query, and how far it lies from the truth. G3''s example: plain CLIP finds similar people, G3 has three of its first five within 1 km.';
comment on column results.case_study.benchmark is 'Dataset of the queries.';
comment on column results.case_study.photo_id is 'Query.';
comment on column results.case_study.gallery is 'Whose embedding retrieves: image is plain CLIP, image-gps-text is G3.';
comment on column results.case_study.policy is 'Gallery photos that may be retrieved.';
comment on column results.case_study.rank is 'From 0, the most similar.';
comment on column results.case_study.reference_dataset is 'Dataset of the gallery photo.';
comment on column results.case_study.reference_id is 'Gallery photo.';
comment on column results.case_study.reference_author is 'Its photographer.';
comment on column results.case_study.same_author is 'Whether the query is by the same photographer; null if one of them is unknown.';
comment on column results.case_study.similarity is 'Inner product of the embeddings.';
comment on column results.case_study.lat is 'Latitude of the gallery photo, degrees.';
comment on column results.case_study.lon is 'Its longitude, degrees.';
comment on column results.case_study.true_lat is 'Latitude of the query, degrees.';
comment on column results.case_study.true_lon is 'Its longitude, degrees.';
comment on column results.case_study.distance_km is 'From the gallery photo to the query, km, on the mean sphere (haversine): up to 0.6 % off the geodesic.';
comment on column results.case_study.within_1_km_of_5 is 'How many of the query''s first five references lie within 1 km.';
comment on column results.case_study.median_km_of_5 is 'Median distance of the query''s first five references, km.';

create view results.worst_miss as
select
    prediction.benchmark, prediction.experiment, prediction.gallery_policy,
    row_number() over (
        partition by prediction.benchmark, prediction.experiment
        order by prediction.error_km desc, prediction.photo_id
    ) as rank,
    prediction.photo_id, prediction.author, prediction.error_km,
    query.scene, query.detail, query.country as true_country, prediction.country as predicted_country,
    prediction.true_lat, prediction.true_lon, prediction.lat, prediction.lon,
    prediction.source, prediction.score, prediction.lmm
from results.prediction as prediction
left join results.query as query using (benchmark, photo_id)
where prediction.error_km is not null
order by benchmark, experiment, rank;
comment on view results.worst_miss is 'Predictions by their error, the largest first; queries without a prediction have no error and are not among them.';
comment on column results.worst_miss.benchmark is 'Dataset.';
comment on column results.worst_miss.experiment is 'Experiment.';
comment on column results.worst_miss.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.worst_miss.rank is 'From 1, the largest error of the experiment on the benchmark.';
comment on column results.worst_miss.photo_id is 'Query.';
comment on column results.worst_miss.author is 'Photographer.';
comment on column results.worst_miss.error_km is 'WGS 84 geodesic from prediction to truth, km.';
comment on column results.worst_miss.scene is 'indoor, natural or urban; null where the dataset says nothing.';
comment on column results.worst_miss.detail is 'Third of the benchmark by bits per pixel, little, medium or much: sea, snow and sky have little.';
comment on column results.worst_miss.true_country is 'Country of the truth.';
comment on column results.worst_miss.predicted_country is 'Country of the prediction.';
comment on column results.worst_miss.true_lat is 'True latitude, degrees.';
comment on column results.worst_miss.true_lon is 'True longitude, degrees.';
comment on column results.worst_miss.lat is 'Predicted latitude, degrees.';
comment on column results.worst_miss.lon is 'Predicted longitude, degrees.';
comment on column results.worst_miss.source is 'Which candidate won: retrieval or the name of a prompt.';
comment on column results.worst_miss.score is 'The verifier''s cosine similarity of the winner; null without Geo-verification.';
comment on column results.worst_miss.lmm is 'The LMM asked; stand-in is the demo''s own and no language model; null where none is used.';

create view results.failure_study as
select
    prediction.benchmark, prediction.experiment, prediction.gallery_policy, query.scene, query.detail,
    count(*) as n, count(*) - count(prediction.error_km) as n_failed,
    -- two failures in the middle: infinity minus itself would be no number
    case when count(prediction.error_km) * 2 < count(*) then 'inf'::double
        else median(coalesce(prediction.error_km, 'inf'::double)) end as median_km,
    1 - avg(coalesce(prediction.error_km < 2500, false)::int) as beyond_2500_km,
    max_by(prediction.photo_id, prediction.error_km, 5) as worst_photos,
    max(prediction.error_km) as worst_km
from results.prediction as prediction
left join results.query as query using (benchmark, photo_id)
group by all
order by prediction.benchmark, prediction.experiment, beyond_2500_km desc, query.scene, query.detail;
comment on view results.failure_study is 'Where an experiment fails: its misses by what the photo shows. G3''s paper says: water, snow and large textureless areas.';
comment on column results.failure_study.benchmark is 'Dataset.';
comment on column results.failure_study.experiment is 'Experiment.';
comment on column results.failure_study.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.failure_study.scene is 'indoor, natural or urban; null where the dataset says nothing.';
comment on column results.failure_study.detail is 'Third of the benchmark by bits per pixel, little, medium or much: sea, snow and sky have little.';
comment on column results.failure_study.n is 'Queries.';
comment on column results.failure_study.n_failed is 'Queries without a prediction.';
comment on column results.failure_study.median_km is 'Median error, failures infinitely far; inf if most failed.';
comment on column results.failure_study.beyond_2500_km is 'Share of queries missed by 2500 km or more, failures included, a fraction.';
comment on column results.failure_study.worst_photos is 'The five queries with the largest errors, the worst first.';
comment on column results.failure_study.worst_km is 'The largest error, km.';
