-- Where misses come from, and how far scores can be trusted: views over results.diagnosis.

create view results.miss as
with judged as (
    select
        benchmark, experiment, gallery_policy, threshold_km,
        case
            when coalesce(error_km < threshold_km, false) then 'hit'
            when coalesce(least(oracle_km, reference_km) < threshold_km, false) then 'ranking'
            when gallery_policy is null then 'proposal'
            when coalesce(gallery_km < threshold_km, false) then 'retrieval'
            else 'coverage'
        end as what
    from results.diagnosis, unnest([1, 25, 200, 750, 2500]) as thresholds (threshold_km)
)
select
    benchmark, experiment, gallery_policy, threshold_km, count(*) as n,
    avg((what = 'hit')::int) as hit,
    avg((what = 'ranking')::int) as ranking,
    avg((what = 'retrieval')::int) as retrieval,
    avg((what = 'coverage')::int) as coverage,
    avg((what = 'proposal')::int) as proposal
from judged
group by all
order by all;
comment on view results.miss is 'Where the misses come from: each query is a hit, or a miss of one kind; the five shares add up to 1.';
comment on column results.miss.benchmark is 'Dataset.';
comment on column results.miss.experiment is 'Experiment.';
comment on column results.miss.gallery_policy is 'Gallery photos that a query may meet; null where nothing is retrieved.';
comment on column results.miss.threshold_km is 'Closer than this is a hit, km.';
comment on column results.miss.n is 'Queries.';
comment on column results.miss.hit is 'Share of hits, a fraction.';
comment on column results.miss.ranking is 'A candidate or retrieved reference was close enough, and another was chosen.';
comment on column results.miss.retrieval is 'The gallery has a photo close enough, which was not retrieved, and nobody proposed such a place.';
comment on column results.miss.coverage is 'The gallery has no photo close enough, and nobody proposed such a place.';
comment on column results.miss.proposal is 'Nothing is searched, and nobody proposed such a place.';

create view results.oracle as
with kept as (
    unpivot (
        select
            benchmark, experiment,
            coalesce(oracle_1_km, 'inf'::double) as "1", coalesce(oracle_5_km, 'inf'::double) as "5",
            coalesce(oracle_10_km, 'inf'::double) as "10", coalesce(oracle_20_km, 'inf'::double) as "20",
            coalesce(oracle_km, 'inf'::double) as "all"
        from results.diagnosis
    )
    on "1", "5", "10", "20", "all" into name k value km
)
select
    benchmark, experiment, try_cast(k as integer) as k, threshold_km,
    avg((km < threshold_km)::int) as accuracy, count(*) as n
from kept, unnest([1, 25, 200, 750, 2500]) as thresholds (threshold_km)
group by all
order by benchmark, experiment, threshold_km, k nulls last;
comment on view results.oracle is 'Oracle@K: the accuracy if the best of the first K candidates were always chosen.';
comment on column results.oracle.benchmark is 'Dataset.';
comment on column results.oracle.experiment is 'Experiment.';
comment on column results.oracle.k is 'Candidates by score that may be chosen; null for the whole pool.';
comment on column results.oracle.threshold_km is 'Closer than this, km.';
comment on column results.oracle.accuracy is 'Share of all queries, a fraction.';
comment on column results.oracle.n is 'Queries.';

create view results.calibration as
with told as (
    unpivot (
        select
            benchmark, experiment, photo_id, coalesce(error_km, 'inf'::double) as error_km,
            probability_1_km as "1", probability_25_km as "25", probability_200_km as "200",
            probability_750_km as "750", probability_2500_km as "2500"
        from results.diagnosis
    )
    on "1", "25", "200", "750", "2500" into name threshold value probability
),
binned as (
    select
        *, threshold::integer as threshold_km,
        ntile(10) over (partition by benchmark, experiment, threshold order by probability, photo_id) as bin
    from told
)
select
    benchmark, experiment, threshold_km, bin, count(*) as n,
    avg(probability) as predicted, avg((error_km < threshold_km)::int) as measured
from binned
group by all
order by all;
comment on view results.calibration is 'Reliability: queries in tenths by their chance of lying within a threshold, and how many do.';
comment on column results.calibration.benchmark is 'Dataset.';
comment on column results.calibration.experiment is 'Experiment.';
comment on column results.calibration.threshold_km is 'Closer than this, km.';
comment on column results.calibration.bin is 'Tenth of the queries with a score, 1 the least certain.';
comment on column results.calibration.n is 'Queries in it.';
comment on column results.calibration.predicted is 'Their mean chance, a fraction.';
comment on column results.calibration.measured is 'Their accuracy, a fraction.';

create view results.selective as
with ranked as (
    select
        benchmark, experiment, coalesce(error_km, 'inf'::double) as error_km,
        row_number() over (
            partition by benchmark, experiment order by score desc nulls last, photo_id
        ) as place,
        count(*) over (partition by benchmark, experiment) as queries,
        count(score) over (partition by benchmark, experiment) as scored
    from results.diagnosis
)
select
    benchmark, experiment, threshold_km, step / 20 as withheld,
    avg((error_km < threshold_km)::int) as accuracy, count(*) as n
from ranked, range(20) as steps (step), unnest([1, 25, 200, 750, 2500]) as thresholds (threshold_km)
where place <= ceil(queries * (1 - step / 20)) and scored > 0
group by all
order by all;
comment on view results.selective is 'Accuracy against coverage: what is left if the queries with the lowest scores are withheld.';
comment on column results.selective.benchmark is 'Dataset.';
comment on column results.selective.experiment is 'Experiment that scores its candidates.';
comment on column results.selective.threshold_km is 'Closer than this, km.';
comment on column results.selective.withheld is 'Share of the queries withheld, a fraction; those without a prediction go first.';
comment on column results.selective.accuracy is 'Share of the answered ones, a fraction.';
comment on column results.selective.n is 'Queries answered.';
