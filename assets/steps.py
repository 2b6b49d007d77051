"""All steps in the order in which data flow."""

from assets import alignment, baselines, candidates, features, gallery, images, places, results, verification
from assets.step import Step

STEPS: dict[str, Step] = {
    step.name: step
    for stage in (
        images,
        places,
        baselines,  # cut like photos and captions, so that they share a run
        features,
        alignment,
        gallery,
        candidates,
        verification,
        results,
    )
    for step in stage.STEPS
}
