"""IM2City: label sets, prompts and features, models, predictions, and what is asked of them."""

from assets.im2city import features, labels, models, predictions, proximity

STEPS = (
    labels.STEP,
    features.BACKBONE_FEATURES,
    features.LABEL_FEATURES,
    models.STEP,
    *predictions.STEPS,
    proximity.STEP,
)
