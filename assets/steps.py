"""All steps in the order in which data flow."""

from assets import (
    alignment,
    baselines,
    candidates,
    census,
    features,
    gallery,
    images,
    overlap,
    places,
    pool_choice,
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
        features,
        alignment,
        gallery,
        pool_choice,  # here and not beside candidates, which share a run with what follows them
        references,
        candidates,
        verification,
        results,
    )
    for step in stage.STEPS
}
