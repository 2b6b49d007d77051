"""All steps in the order in which data flow."""

from assets import (
    alignment,
    baselines,
    candidates,
    census,
    diagnoses,
    features,
    gallery,
    im2city,
    images,
    overlap,
    paper_tables,
    places,
    pool_choice,
    queries,
    references,
    results,
    verification,
)
from assets.step import Step

STEPS: dict[str, Step] = {
    step.name: step
    for stage in (
        images,
        places,
        baselines,  # cut like photos and captions, so that they share a run
        census,
        overlap,
        queries,
        features,
        alignment,
        im2city,
        gallery,
        pool_choice,  # here and not beside candidates, which share a run with what follows them
        references,
        candidates,
        verification,
        diagnoses,  # cut like predictions and accuracy
        results,
        paper_tables,
    )
    for step in stage.STEPS
}
