"""Geo-alignment as data: widths and training, which heads there are, and the presets that repeat code or paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from g3lib.experiments.datasets import Positive, Section

Rate = Annotated[float, Field(gt=0, lt=1)]
Scale = Annotated[float, Field(gt=0)]
Projection = Literal["mercator", "equal-earth", "unit-sphere"]
Preset = Literal["default", "official", "paper"]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    # as the released code trains; its faults stay behind their own switches (shuffle, mercator_clamp)
    "official": {"location_init": "geoclip"},
    # as the paper describes it: the loss summed over the batch, no word of a pretrained GPS encoder
    "paper": {"loss_reduction": "sum"},
}


GEOCLIP_FILE = "location_encoder_weights.pth"  # its released GPS encoder, as its package names it
SHAPE = {"rff_frequencies", "hidden", "location", "sigmas", "projection", "axis_order", "mercator_clamp"}
WITHOUT_CONSEQUENCE = {"preset", "pretrained", "resident_gigabytes", "processes"}  # for what is trained here


class AlignmentSettings(Section):
    """Geo-alignment's widths and training; the defaults are the official code's.

    A preset fills in what is not given explicitly.
    """

    preset: Preset = "default"
    rff_frequencies: Positive = 256
    hidden: Positive = 1024
    location: Positive = 512
    sigmas: Annotated[tuple[Scale, ...], Field(min_length=1)] = (1.0, 16.0, 256.0)
    projection: Projection = "mercator"
    axis_order: Literal["yx", "xy"] = "yx"  # of the plane projections; the official code's is latitude first
    mercator_clamp: bool = (
        True  # latitudes end at 85.05 degrees, where Mercator's square does; the code's do not
    )
    location_init: Literal["random", "geoclip"] = "random"  # geoclip: its released GPS encoder
    pretrained: str | None = None  # a `g3.pth` under G3_HOME/incoming instead of training
    epochs: Annotated[int, Field(gt=0, le=10_000)] = 10
    batch_size: Annotated[int, Field(ge=2)] = 256  # over all processes
    learning_rate: Rate = 3e-5
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 1e-6
    decay_per_epoch: Annotated[float, Field(gt=0, le=1)] = 0.87
    loss_reduction: Literal["mean", "sum"] = "mean"
    multiple_positives: bool = False  # photos of one caption in a batch are no negatives of each other
    shuffle: bool = True  # the official code shows the same batches in every epoch
    held_out_authors: Annotated[float, Field(ge=0, le=0.5)] = (
        0.01  # their photos are evaluated, not trained on
    )
    resident_gigabytes: Annotated[float, Field(ge=0)] = (
        8.0  # features beyond it are streamed from their files
    )
    processes: Annotated[int, Field(ge=1, le=64)] = 1  # one per device; more than one start with torchrun
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {**PRESETS.get(given.get("preset", "default"), {}), **given}

    @property
    def trained(self) -> dict[str, Any]:
        """The settings that determine heads trained here, as JSON's types: not how fast, or by which preset."""
        return self.model_dump(mode="json", exclude=WITHOUT_CONSEQUENCE)

    @property
    def released(self) -> dict[str, Any]:
        """The settings that determine heads taken from a released file, as JSON's types."""
        return self.model_dump(mode="json", include=SHAPE | {"pretrained"})


@dataclass(frozen=True)
class Heads:
    """One set of heads: which losses train it, and where it departs from the profile's settings."""

    text: bool = True  # the image-text loss; without it, IMG+GPS of paper table 5
    projection: Projection | None = None  # the profile's
    neighbourhood: bool = False  # captions that name it too: G3-N of paper table 7

    @property
    def captions(self) -> str:
        """The column of captions that it is trained on."""
        return "caption_neighbourhood" if self.neighbourhood else "caption"

    def settings(self, profile: AlignmentSettings) -> AlignmentSettings:
        """The profile's settings with this set's own."""
        return profile.model_copy(update={"projection": self.projection} if self.projection else {})


HEADS: Mapping[str, Heads] = {
    "image-gps": Heads(text=False),
    "image-gps-text": Heads(),
    "image-gps-text-equal-earth": Heads(projection="equal-earth"),
    "image-gps-text-neighbourhood": Heads(neighbourhood=True),
}
