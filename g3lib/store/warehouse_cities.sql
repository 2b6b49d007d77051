-- IM2City's tables: what GEM names, how often it is right, how sure it is, and whether near labels are alike.

create table results.city_label (
    place bigint,
    city varchar,
    country varchar,
    country_code varchar,
    lat double,
    lon double,
    other_names varchar,
    run_id varchar
);
comment on table results.city_label is 'The cities that GEM names, in the order of their rows.';
comment on column results.city_label.place is 'Row, from 0.';
comment on column results.city_label.city is 'City, as prompts name it.';
comment on column results.city_label.country is 'Its country, as prompts name it.';
comment on column results.city_label.country_code is 'ISO 3166 code in lower case; null where a label set gives none.';
comment on column results.city_label.lat is 'Latitude of its centre, degrees.';
comment on column results.city_label.lon is 'Longitude, degrees.';
comment on column results.city_label.other_names is 'Other spellings that files use, separated by ;.';
comment on column results.city_label.run_id is 'Dagster run that made the row.';

create table results.city_photo (
    place bigint,
    city varchar,
    dataset varchar,
    photos bigint,
    held_out bigint,
    run_id varchar
);
comment on table results.city_photo is 'How many photos of each dataset show each city.';
comment on column results.city_photo.place is 'Row in results.city_label.';
comment on column results.city_photo.city is 'City.';
comment on column results.city_photo.dataset is 'Dataset.';
comment on column results.city_photo.photos is 'Photos that show it: named so by the dataset, or nearer than the radius.';
comment on column results.city_photo.held_out is 'Of those, the ones held out of training, whole cells of the Earth; 0 for benchmarks.';
comment on column results.city_photo.run_id is 'Dagster run that made the row.';

create table results.city_model (
    experiment varchar,
    method varchar,
    variant varchar,
    kind varchar,
    label_set varchar,
    backbone varchar,
    architecture varchar,
    templates varchar,
    ensemble varchar,
    weights double[],
    training varchar,
    dataset varchar,
    shots integer,
    c double,
    c_chosen boolean,
    soft_km double,
    labels bigint,
    trained_on bigint,
    held_out bigint,
    training_accuracy double,
    held_out_accuracy double,
    iterations bigint,
    converged boolean,
    loss double,
    fit_seconds double,
    temperature double,
    set_threshold double,
    coverage double,
    run_id varchar
);
comment on table results.city_model is 'What each experiment of GEM''s came to: how it was made, on what, and how it is calibrated.';
comment on column results.city_model.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_model.method is 'Method, as tables print it.';
comment on column results.city_model.variant is 'Variant, as tables print it.';
comment on column results.city_model.kind is 'zero-shot, two-stage or probe.';
comment on column results.city_model.label_set is 'cities, cities-with-country (in the prompt) or countries.';
comment on column results.city_model.backbone is 'Whose features: encoder is the profile''s.';
comment on column results.city_model.architecture is 'The backbone''s model.';
comment on column results.city_model.templates is 'Prompt templates, in order; null for a probe.';
comment on column results.city_model.ensemble is 'Where their weights come from: uniform, recorded, recorded-all or measured; null for a probe.';
comment on column results.city_model.weights is 'The weights, in the templates'' order, summing to 1.';
comment on column results.city_model.training is 'Source of its training photos, which fit a probe, and measure and calibrate all.';
comment on column results.city_model.dataset is 'That source''s dataset.';
comment on column results.city_model.shots is 'Training photos per label; null for all.';
comment on column results.city_model.c is 'Inverse strength of the ridge of a probe.';
comment on column results.city_model.c_chosen is 'Whether C was chosen on held-out photos.';
comment on column results.city_model.soft_km is 'Scale of distance-aware targets, km; null for one-hot ones.';
comment on column results.city_model.labels is 'Labels it can name.';
comment on column results.city_model.trained_on is 'Photos that fitted the probe; or, zero-shot, on which its accuracy was measured.';
comment on column results.city_model.held_out is 'Photos on which C was chosen, and temperature and prediction sets were fitted.';
comment on column results.city_model.training_accuracy is 'Top-1 accuracy on all training photos of its source, drawn as shots or not, a fraction.';
comment on column results.city_model.held_out_accuracy is 'Top-1 accuracy on held_out, a fraction.';
comment on column results.city_model.iterations is 'Of the solver.';
comment on column results.city_model.converged is 'Whether the solver met its criterion.';
comment on column results.city_model.loss is 'The probe''s objective at the end.';
comment on column results.city_model.fit_seconds is 'Seconds of fitting.';
comment on column results.city_model.temperature is 'What logits are divided by, fitted on held_out; 1 where nothing is calibrated.';
comment on column results.city_model.set_threshold is 'Labels of at least this probability are in the prediction set.';
comment on column results.city_model.coverage is 'Coverage that prediction sets are made for, a fraction.';
comment on column results.city_model.run_id is 'Dagster run that made the row.';

create table results.city_choice (
    experiment varchar,
    c double,
    accuracy double,
    iterations bigint,
    seconds double,
    chosen boolean,
    run_id varchar
);
comment on table results.city_choice is 'Every C that was tried on held-out photos, where one is chosen.';
comment on column results.city_choice.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_choice.c is 'Inverse strength of the ridge.';
comment on column results.city_choice.accuracy is 'Top-1 accuracy on held-out photos, a fraction.';
comment on column results.city_choice.iterations is 'Of the solver.';
comment on column results.city_choice.seconds is 'Of fitting, begun from the last.';
comment on column results.city_choice.chosen is 'Whether it was taken; ties go to the stronger ridge.';
comment on column results.city_choice.run_id is 'Dagster run that made the row.';

create table results.city_prediction (
    experiment varchar,
    test_set varchar,
    photo_id varchar,
    author varchar,
    scale varchar,
    truth varchar,
    true_country varchar,
    label varchar,
    country varchar,
    probability double,
    raw_probability double,
    truth_rank bigint,
    country_rank bigint,
    in_country bigint,
    labels bigint,
    km double,
    set_size bigint,
    in_set boolean,
    run_id varchar
);
comment on table results.city_prediction is 'The label that each experiment of GEM''s gives each photo, with how sure it is.';
comment on column results.city_prediction.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_prediction.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_prediction.photo_id is 'Photo.';
comment on column results.city_prediction.author is 'Photographer.';
comment on column results.city_prediction.scale is 'What is named: city or country.';
comment on column results.city_prediction.truth is 'The city or country that it shows; null: too far from every city.';
comment on column results.city_prediction.true_country is 'Code of the country that it shows.';
comment on column results.city_prediction.label is 'The label given.';
comment on column results.city_prediction.country is 'Code of its country.';
comment on column results.city_prediction.probability is 'Of the label, calibrated.';
comment on column results.city_prediction.raw_probability is 'Before calibration.';
comment on column results.city_prediction.truth_rank is 'Rank of the truth among the labels, from 1; null where it is none of them.';
comment on column results.city_prediction.country_rank is 'Rank of the best label in the true country, from 1; null where none lies there.';
comment on column results.city_prediction.in_country is 'Labels that lie in the true country.';
comment on column results.city_prediction.labels is 'Labels that could be given.';
comment on column results.city_prediction.km is 'Geodesic from the label given to the true city, km.';
comment on column results.city_prediction.set_size is 'Labels in its prediction set.';
comment on column results.city_prediction.in_set is 'Whether the truth is one of them.';
comment on column results.city_prediction.run_id is 'Dagster run that made the row.';

create table results.city_accuracy (
    experiment varchar,
    test_set varchar,
    scale varchar,
    mapped boolean,
    top integer,
    accuracy double,
    ci_low double,
    ci_high double,
    mean_accuracy double,
    chance double,
    majority double,
    labels bigint,
    n bigint,
    n_outside bigint,
    run_id varchar
);
comment on table results.city_accuracy is 'How often GEM names the right city or country, with 95 % intervals and what chance would reach.';
comment on column results.city_accuracy.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_accuracy.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_accuracy.scale is 'What is judged: city or country.';
comment on column results.city_accuracy.mapped is 'Whether cities were named and their countries judged.';
comment on column results.city_accuracy.top is 'Right if among so many labels.';
comment on column results.city_accuracy.accuracy is 'Share of the photos that show a label, a fraction.';
comment on column results.city_accuracy.ci_low is 'Lower end of the wider of two 95 % intervals, over photos and over authors.';
comment on column results.city_accuracy.ci_high is 'Upper end.';
comment on column results.city_accuracy.mean_accuracy is 'Mean over true labels: many photos of one city count once.';
comment on column results.city_accuracy.chance is 'What naming labels at random would reach.';
comment on column results.city_accuracy.majority is 'What always naming the most frequent truths would reach.';
comment on column results.city_accuracy.labels is 'Labels that could be given.';
comment on column results.city_accuracy.n is 'Photos judged.';
comment on column results.city_accuracy.n_outside is 'Photos of the test set that show no label.';
comment on column results.city_accuracy.run_id is 'Dagster run that made the row.';

create table results.city_reliability (
    experiment varchar,
    test_set varchar,
    calibrated boolean,
    bin bigint,
    n bigint,
    predicted double,
    measured double,
    ci_low double,
    ci_high double,
    error double,
    run_id varchar
);
comment on table results.city_reliability is 'How often labels of a given probability are right, before and after calibration.';
comment on column results.city_reliability.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_reliability.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_reliability.calibrated is 'Whether logits were divided by the temperature.';
comment on column results.city_reliability.bin is 'Tenth of the photos, 1 the least certain.';
comment on column results.city_reliability.n is 'Photos in it.';
comment on column results.city_reliability.predicted is 'Mean probability of the label given.';
comment on column results.city_reliability.measured is 'Share that is right.';
comment on column results.city_reliability.ci_low is 'Lower end of the 95 % interval (Wilson).';
comment on column results.city_reliability.ci_high is 'Upper end.';
comment on column results.city_reliability.error is 'Expected calibration error over all bins.';
comment on column results.city_reliability.run_id is 'Dagster run that made the row.';

create table results.city_set (
    experiment varchar,
    test_set varchar,
    calibrated_on varchar,
    stated double,
    measured double,
    ci_low double,
    ci_high double,
    mean_size double,
    median_size double,
    singletons double,
    n bigint,
    run_id varchar
);
comment on table results.city_set is 'Whether prediction sets hold the truth as often as they say.';
comment on column results.city_set.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_set.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_set.calibrated_on is 'held-out photos of the training source; or, cross-fitted, the other photos of the test set.';
comment on column results.city_set.stated is 'Coverage that the sets are made for, a fraction.';
comment on column results.city_set.measured is 'Share of photos whose set holds the truth.';
comment on column results.city_set.ci_low is 'Lower end of the 95 % interval (Wilson).';
comment on column results.city_set.ci_high is 'Upper end.';
comment on column results.city_set.mean_size is 'Labels in a set, mean.';
comment on column results.city_set.median_size is 'Median.';
comment on column results.city_set.singletons is 'Share of sets of one label.';
comment on column results.city_set.n is 'Photos that show a label.';
comment on column results.city_set.run_id is 'Dagster run that made the row.';

create table results.city_proximity (
    experiment varchar,
    embedding varchar,
    labels bigint,
    method varchar,
    centred boolean,
    correlation double,
    ci_low double,
    ci_high double,
    p double,
    permutations bigint,
    null_mean double,
    null_low double,
    null_high double,
    run_id varchar
);
comment on table results.city_proximity is 'Whether near labels are alike: similarity of labels against their distance, for every experiment that names cities.';
comment on column results.city_proximity.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_proximity.embedding is 'What stands for a label: text (its prompts) or weights (of a probe, learned without its name).';
comment on column results.city_proximity.labels is 'Labels.';
comment on column results.city_proximity.method is 'spearman or pearson.';
comment on column results.city_proximity.centred is 'Whether the mean of all labels was taken off first.';
comment on column results.city_proximity.correlation is 'Of the similarity of two labels with their distance; below 0: near ones are alike.';
comment on column results.city_proximity.ci_low is 'Lower end of the 95 % interval, leaving out each label in turn.';
comment on column results.city_proximity.ci_high is 'Upper end.';
comment on column results.city_proximity.p is 'Mantel''s test, one-sided: so low a correlation when places are dealt to labels at random.';
comment on column results.city_proximity.permutations is 'Deals.';
comment on column results.city_proximity.null_mean is 'Mean of those correlations.';
comment on column results.city_proximity.null_low is '2.5 % of them lie below.';
comment on column results.city_proximity.null_high is '2.5 % lie above.';
comment on column results.city_proximity.run_id is 'Dagster run that made the row.';

create table results.city_proximity_comparison (
    experiment varchar,
    other varchar,
    method varchar,
    labels bigint,
    correlation double,
    other_correlation double,
    difference double,
    ci_low double,
    ci_high double,
    p double,
    permutations bigint,
    run_id varchar
);
comment on table results.city_proximity_comparison is 'Two experiments'' correlations of label similarity with distance: GEM''s prompts beside a classifier learned one-hot.';
comment on column results.city_proximity_comparison.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_proximity_comparison.other is 'The one it is compared with: the probe on the same backbone.';
comment on column results.city_proximity_comparison.method is 'spearman.';
comment on column results.city_proximity_comparison.labels is 'Labels.';
comment on column results.city_proximity_comparison.correlation is 'Of the experiment.';
comment on column results.city_proximity_comparison.other_correlation is 'Of the other.';
comment on column results.city_proximity_comparison.difference is 'The first less the second; below 0: the first knows more of places.';
comment on column results.city_proximity_comparison.ci_low is 'Lower end of its 95 % interval, leaving out each label in turn.';
comment on column results.city_proximity_comparison.ci_high is 'Upper end.';
comment on column results.city_proximity_comparison.p is 'One-sided, if neither knew of places.';
comment on column results.city_proximity_comparison.permutations is 'Deals.';
comment on column results.city_proximity_comparison.run_id is 'Dagster run that made the row.';

create table results.city_neighbour (
    experiment varchar,
    label varchar,
    country_code varchar,
    lat double,
    lon double,
    nearest varchar,
    similarity double,
    km double,
    rank bigint,
    is_nearest boolean,
    same_country boolean,
    x double,
    y double,
    east double,
    north double,
    run_id varchar
);
comment on table results.city_neighbour is 'Each label''s most similar other label, how near it lies, and where both stand on a map of the embedding.';
comment on column results.city_neighbour.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_neighbour.label is 'Label.';
comment on column results.city_neighbour.country_code is 'Its country.';
comment on column results.city_neighbour.lat is 'Latitude, degrees.';
comment on column results.city_neighbour.lon is 'Longitude, degrees.';
comment on column results.city_neighbour.nearest is 'The most similar other label.';
comment on column results.city_neighbour.similarity is 'Cosine of both.';
comment on column results.city_neighbour.km is 'Geodesic between them, km.';
comment on column results.city_neighbour.rank is 'Which of its geographic neighbours that is, from 1.';
comment on column results.city_neighbour.is_nearest is 'Whether it is the nearest of all.';
comment on column results.city_neighbour.same_country is 'Whether it lies in the same country.';
comment on column results.city_neighbour.x is 'Embedding laid out in the plane and turned to the Earth''s map, standardised.';
comment on column results.city_neighbour.y is 'Likewise.';
comment on column results.city_neighbour.east is 'Longitude, standardised.';
comment on column results.city_neighbour.north is 'Latitude, standardised.';
comment on column results.city_neighbour.run_id is 'Dagster run that made the row.';

create table results.city_neighbour_summary (
    experiment varchar,
    measure varchar,
    n bigint,
    measured double,
    chance double,
    chance_low double,
    chance_high double,
    p double,
    permutations bigint,
    run_id varchar
);
comment on table results.city_neighbour_summary is 'Most similar labels of each experiment against chance.';
comment on column results.city_neighbour_summary.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_neighbour_summary.measure is 'mean km, geographically nearest, or same country.';
comment on column results.city_neighbour_summary.n is 'Labels.';
comment on column results.city_neighbour_summary.measured is 'Kilometres, or a fraction.';
comment on column results.city_neighbour_summary.chance is 'Its mean when places are dealt to labels anew.';
comment on column results.city_neighbour_summary.chance_low is '2.5 % of those lie below.';
comment on column results.city_neighbour_summary.chance_high is '2.5 % lie above.';
comment on column results.city_neighbour_summary.p is 'One-sided: deals that are as near.';
comment on column results.city_neighbour_summary.permutations is 'Deals.';
comment on column results.city_neighbour_summary.run_id is 'Dagster run that made the row.';

create table results.city_pair (
    experiment varchar,
    label varchar,
    other varchar,
    km double,
    similarity double,
    run_id varchar
);
comment on table results.city_pair is 'Similarity and distance of every two labels.';
comment on column results.city_pair.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_pair.label is 'Label.';
comment on column results.city_pair.other is 'Label behind it in the set.';
comment on column results.city_pair.km is 'Geodesic, km.';
comment on column results.city_pair.similarity is 'Cosine of both.';
comment on column results.city_pair.run_id is 'Dagster run that made the row.';

create table results.city_wrong_answer (
    experiment varchar,
    test_set varchar,
    measure varchar,
    n bigint,
    measured double,
    chance double,
    chance_low double,
    chance_high double,
    p double,
    permutations bigint,
    run_id varchar
);
comment on table results.city_wrong_answer is 'How far wrong labels lie from the truth, beside what chance would give.';
comment on column results.city_wrong_answer.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_wrong_answer.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_wrong_answer.measure is 'mean km, median km, same country, or same country in the top five.';
comment on column results.city_wrong_answer.n is 'Photos with a wrong answer.';
comment on column results.city_wrong_answer.measured is 'Kilometres, or a fraction.';
comment on column results.city_wrong_answer.chance is 'Its mean when the wrong labels are dealt among those photos anew.';
comment on column results.city_wrong_answer.chance_low is '2.5 % of those lie below.';
comment on column results.city_wrong_answer.chance_high is '2.5 % lie above.';
comment on column results.city_wrong_answer.p is 'One-sided: deals that are as good.';
comment on column results.city_wrong_answer.permutations is 'Deals.';
comment on column results.city_wrong_answer.run_id is 'Dagster run that made the row.';

create table results.city_wrong_distance (
    experiment varchar,
    test_set varchar,
    from_km double,
    to_km double,
    n bigint,
    share double,
    chance double,
    chance_low double,
    chance_high double,
    run_id varchar
);
comment on table results.city_wrong_distance is 'Wrong labels by their distance from the truth, beside chance.';
comment on column results.city_wrong_distance.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_wrong_distance.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_wrong_distance.from_km is 'From here, km.';
comment on column results.city_wrong_distance.to_km is 'And closer than this.';
comment on column results.city_wrong_distance.n is 'Photos with a wrong answer.';
comment on column results.city_wrong_distance.share is 'Of them, a fraction.';
comment on column results.city_wrong_distance.chance is 'Mean share when the wrong labels are dealt anew.';
comment on column results.city_wrong_distance.chance_low is '2.5 % lie below.';
comment on column results.city_wrong_distance.chance_high is '2.5 % lie above.';
comment on column results.city_wrong_distance.run_id is 'Dagster run that made the row.';

create view results.city_result as
select
    accuracy.* exclude (run_id), model.method, model.variant, model.kind, model.label_set, model.backbone,
    model.architecture, model.templates, model.ensemble, model.training, model.dataset, model.shots, model.c,
    model.c_chosen, model.soft_km, model.trained_on, accuracy.run_id
from results.city_accuracy as accuracy
join results.city_model as model using (experiment);
comment on view results.city_result is 'City and country accuracies beside what made them: one row per experiment of GEM''s, test set, scale and top.';
comment on column results.city_result.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_result.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_result.scale is 'What is judged: city or country.';
comment on column results.city_result.mapped is 'Whether cities were named and their countries judged.';
comment on column results.city_result.top is 'Right if among so many labels.';
comment on column results.city_result.accuracy is 'Share of the photos that show a label, a fraction.';
comment on column results.city_result.ci_low is 'Lower end of the wider of two 95 % intervals, over photos and over authors.';
comment on column results.city_result.ci_high is 'Upper end.';
comment on column results.city_result.mean_accuracy is 'Mean over true labels: many photos of one city count once.';
comment on column results.city_result.chance is 'What naming labels at random would reach.';
comment on column results.city_result.majority is 'What always naming the most frequent truths would reach.';
comment on column results.city_result.labels is 'Labels it can name.';
comment on column results.city_result.n is 'Photos judged.';
comment on column results.city_result.n_outside is 'Photos of the test set that show no label.';
comment on column results.city_result.method is 'Method, as tables print it.';
comment on column results.city_result.variant is 'Variant, as tables print it.';
comment on column results.city_result.kind is 'zero-shot, two-stage or probe.';
comment on column results.city_result.label_set is 'cities, cities-with-country (in the prompt) or countries.';
comment on column results.city_result.backbone is 'Whose features: encoder is the profile''s.';
comment on column results.city_result.architecture is 'The backbone''s model.';
comment on column results.city_result.templates is 'Prompt templates, in order; null for a probe.';
comment on column results.city_result.ensemble is 'Where their weights come from: uniform, recorded, recorded-all or measured; null for a probe.';
comment on column results.city_result.training is 'Source of its training photos, which fit a probe, and measure and calibrate all.';
comment on column results.city_result.dataset is 'That source''s dataset.';
comment on column results.city_result.shots is 'Training photos per label; null for all.';
comment on column results.city_result.c is 'Inverse strength of the ridge of a probe.';
comment on column results.city_result.c_chosen is 'Whether C was chosen on held-out photos.';
comment on column results.city_result.soft_km is 'Scale of distance-aware targets, km; null for one-hot ones.';
comment on column results.city_result.trained_on is 'Photos that fitted the probe; or, zero-shot, on which its accuracy was measured.';
comment on column results.city_result.run_id is 'Dagster run that made the row.';

create view results.city_question as
with plain as (
    select *, if(kind = 'two-stage', method, kind) as way
    from results.city_result
    where top = 1
),
usual as (  -- what a question does not ask about is as the papers have it
    from plain
    where shots is null and not coalesce(c_chosen, false) and soft_km is null
        and coalesce(ensemble, 'recorded') = 'recorded'
),
asked as (
    select
        'im2city_scale' as name, if(mapped, 'cities, mapped up', 'countries') as arm, (not mapped)::int as place,
        concat_ws(', ', way, test_set) as series, *
    from usual
    where scale = 'country' and training = 'street-view' and backbone = 'encoder' and label_set != 'cities-with-country'
    union all by name
    select
        'im2city_source' as name, training as arm, dense_rank() over (order by training desc) - 1 as place,
        test_set as series, *
    from usual
    where scale = 'city' and kind = 'probe' and backbone = 'encoder'
    union all by name
    select  -- features of other lengths want other ridges, so a fixed C alone would compare lengths
        'im2city_backbone' as name, backbone as arm, dense_rank() over (order by backbone) - 1 as place,
        concat_ws(', ', way || if(c_chosen, ' with its best C', ''), test_set) as series, *
    from plain
    where scale = 'city' and training = 'street-view' and label_set = 'cities' and shots is null and soft_km is null
        and coalesce(ensemble, 'recorded') = 'recorded'
    union all by name
    select
        'im2city_prompts' as name,
        coalesce(nullif(regexp_replace(variant, '^zero-shot(, )?(template )?', ''), ''), 'recorded weights') as arm,
        dense_rank() over (
            order by len(string_split(templates, ' ')), ensemble, label_set,
                position(templates in 'in from at label city-of to')
        ) - 1 as place,
        test_set as series, *
    from plain
    where scale = 'city' and kind = 'zero-shot' and backbone = 'encoder'
    union all by name
    select
        'im2city_shots' as name, coalesce(shots::varchar, 'all') as arm,
        dense_rank() over (order by shots nulls last) - 1 as place, test_set as series, *
    from plain
    where scale = 'city' and kind = 'probe' and backbone = 'encoder' and training = 'street-view'
        and not c_chosen and soft_km is null
    union all by name
    select
        'im2city_targets' as name, if(soft_km is null, 'one-hot', format('shared, {:g} km', soft_km)) as arm,
        (soft_km is not null)::int as place, test_set as series, *
    from plain
    where scale = 'city' and kind = 'probe' and backbone = 'encoder' and training = 'street-view'
        and not c_chosen and shots is null
)
select
    name, place::bigint as place, arm, series, experiment, test_set, scale, accuracy, ci_low, ci_high, mean_accuracy,
    chance, majority, labels, n, n_outside, trained_on, kind, backbone, label_set, training, shots
from asked
order by name, series, place, experiment;
comment on view results.city_question is 'IM2City''s questions as experiments, top-1 accuracies: scale, source of training photos, backbone, prompts, shots, targets. results.im2city_scale and the like are parts of it.';
comment on column results.city_question.name is 'Question: im2city_scale, im2city_source, im2city_backbone, im2city_prompts, im2city_shots or im2city_targets.';
comment on column results.city_question.place is 'Order of the arms, from 0.';
comment on column results.city_question.arm is 'What the question varies.';
comment on column results.city_question.series is 'What stays the same along the arms: kind of experiment and test set.';
comment on column results.city_question.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.city_question.test_set is 'Benchmark; or a training dataset''s photos that were held out, `(held out)` behind its name.';
comment on column results.city_question.scale is 'What is judged: city or country.';
comment on column results.city_question.accuracy is 'Share of the photos that show a label, a fraction.';
comment on column results.city_question.ci_low is 'Lower end of the wider of two 95 % intervals, over photos and over authors.';
comment on column results.city_question.ci_high is 'Upper end.';
comment on column results.city_question.mean_accuracy is 'Mean over true labels: many photos of one city count once.';
comment on column results.city_question.chance is 'What naming labels at random would reach.';
comment on column results.city_question.majority is 'What always naming the most frequent truths would reach.';
comment on column results.city_question.labels is 'Labels it can name.';
comment on column results.city_question.n is 'Photos judged.';
comment on column results.city_question.n_outside is 'Photos of the test set that show no label.';
comment on column results.city_question.trained_on is 'Photos that fitted the probe; or, zero-shot, on which its accuracy was measured.';
comment on column results.city_question.kind is 'zero-shot, two-stage or probe.';
comment on column results.city_question.backbone is 'Whose features: encoder is the profile''s.';
comment on column results.city_question.label_set is 'cities, cities-with-country (in the prompt) or countries.';
comment on column results.city_question.training is 'Source of its training photos, which fit a probe, and measure and calibrate all.';
comment on column results.city_question.shots is 'Training photos per label; null for all.';

create view results.im2city_proximity as
select
    proximity.experiment, model.method as model, model.variant, model.backbone, proximity.embedding, proximity.labels,
    proximity.correlation, proximity.ci_low, proximity.ci_high, proximity.p, proximity.permutations,
    other.other, other.difference, other.ci_low as difference_low, other.ci_high as difference_high,
    nearest.measured as nearest_km, nearest.chance as nearest_km_by_chance, nearest.p as nearest_p
from results.city_proximity as proximity
join results.city_model as model using (experiment)
left join results.city_proximity_comparison as other
    on other.experiment = proximity.experiment and other.method = proximity.method
left join results.city_neighbour_summary as nearest
    on nearest.experiment = proximity.experiment and nearest.measure = 'mean km'
where proximity.method = 'spearman' and not proximity.centred
order by correlation, experiment;
comment on view results.im2city_proximity is 'Spatial proximity: whether near labels are alike, by the prompts'' embeddings and by the probes'' weights.';
comment on column results.im2city_proximity.experiment is 'Experiment of GEM''s, in the catalogue; another backbone follows an @.';
comment on column results.im2city_proximity.model is 'Method, as tables print it.';
comment on column results.im2city_proximity.variant is 'Variant, as tables print it.';
comment on column results.im2city_proximity.backbone is 'Whose features: encoder is the profile''s.';
comment on column results.im2city_proximity.embedding is 'What stands for a label: text or weights.';
comment on column results.im2city_proximity.labels is 'Labels.';
comment on column results.im2city_proximity.correlation is 'Spearman, of the similarity of two labels with their distance; below 0: near ones are alike.';
comment on column results.im2city_proximity.ci_low is 'Lower end of the 95 % interval, leaving out each label in turn.';
comment on column results.im2city_proximity.ci_high is 'Upper end.';
comment on column results.im2city_proximity.p is 'Mantel''s test, one-sided.';
comment on column results.im2city_proximity.permutations is 'Of it.';
comment on column results.im2city_proximity.other is 'The probe on the same backbone, which it is compared with; null for probes.';
comment on column results.im2city_proximity.difference is 'Correlation less the other''s; below 0: it knows more of places.';
comment on column results.im2city_proximity.difference_low is 'Lower end of the difference''s 95 % interval.';
comment on column results.im2city_proximity.difference_high is 'Upper end.';
comment on column results.im2city_proximity.nearest_km is 'Mean distance of each label''s most similar other one, km.';
comment on column results.im2city_proximity.nearest_km_by_chance is 'The same by chance.';
comment on column results.im2city_proximity.nearest_p is 'One-sided, of so near.';
