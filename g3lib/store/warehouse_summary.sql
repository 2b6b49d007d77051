-- results.summary from predictions, candidates and lineage, with the registered frame `price_rows` (lmm, usd_in, usd_out:
-- USD per million tokens, of the LMMs whose price is known).
-- The metrics are those of g3lib.results.metrics, which a test compares.
insert into results.summary by name
with measured as (
    select
        benchmark, experiment, first(method) as method, first(variant) as variant,
        string_agg(distinct lmm, ' + ' order by lmm) as lmm,
        first(gallery_policy) as gallery_policy,
        count(*) as n,
        -- two failures in the middle: infinity minus itself would be no number
        case when count(error_km) * 2 < count(*) then 'inf'::double
            else median(coalesce(error_km, 'inf'::double)) end as median_km,
        avg(error_km) as mean_km,
        -- one of the errors, not a value between two: beside infinity there is none
        quantile_disc(coalesce(error_km, 'inf'::double), 0.9) as p90_km,
        avg(coalesce(5000 * exp(-error_km / 1492.7), 0)) as geoscore
    from results.prediction
    group by benchmark, experiment
),
asked as (
    select
        benchmark, experiment,
        count(failure) filter (source <> 'retrieval')
            / nullif(count(*) filter (source <> 'retrieval'), 0) as parse_failure_rate,
        sum(tokens_in) as tokens_in, sum(tokens_out) as tokens_out,
        -- one answer without a price, and the sum is unknown
        case when count(lmm) = count(usd_in)
            then coalesce(sum(tokens_in * usd_in + tokens_out * usd_out) / 1e6, 0) end as cost_usd
    from results.candidate
    left join price_rows using (lmm)
    group by benchmark, experiment
),
timed as (
    select partition, sum(epoch(finished_at - started_at)) as seconds
    from lineage.materialization
    where current and asset in ('candidates', 'scored_candidates', 'predictions')
    group by partition
)
select
    measured.*, asked.parse_failure_rate,
    coalesce(asked.tokens_in, 0) as tokens_in, coalesce(asked.tokens_out, 0) as tokens_out,
    case when asked.benchmark is not null then asked.cost_usd
        when measured.variant is distinct from 'outside' then 0 end as cost_usd,  -- what others paid is not known
    timed.seconds
from measured
left join asked using (benchmark, experiment)
left join timed on timed.partition = measured.benchmark || '|' || measured.experiment;
