"""A profile: which datasets, encoder, endpoint and sizes a run of the workflow uses.

Only the schema and its limits live here; the values are YAML files in pipelines/profiles.
"""

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from g3lib.experiments.alignment import PRESETS, AlignmentSettings, Preset, Rate
from g3lib.experiments.catalogue import arms
from g3lib.experiments.datasets import Dataset, Positive, Role, Section
from g3lib.experiments.experiment import DEFAULT_LMM, POLICIES, GalleryPolicy
from g3lib.experiments.gem import ENCODER, Gem
from g3lib.experiments.indexing import IndexSettings
from g3lib.experiments.lmm import LmmSettings

CRON = r"^[-\d*,/]+ [-\d*,/]+ [-\d*,/L]+ [-\w*,/]+ [-\w*,/#]+$"  # minute, hour, day, month, weekday


class EncoderTrainingSettings(Section):
    """Training a CLIP model from scratch on the gallery's photos and captions."""

    epochs: Annotated[int, Field(gt=0, le=1000)] = 5
    batch_size: Annotated[int, Field(ge=2)] = 256
    learning_rate: Rate = 3e-3
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.2
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.05
    image_image_weight: Annotated[float, Field(ge=0)] = 1.0
    image_text_weight: Annotated[float, Field(ge=0)] = 0.2
    seed: int = 0


class EncoderSettings(Section):
    """The CLIP model: `pretrained` names open_clip weights, or `training` makes them from scratch."""

    architecture: str
    pretrained: str | None = None
    training: EncoderTrainingSettings | None = None
    batch_size: Positive = 256  # of feature extraction
    precision: Literal["float32", "bfloat16", "float16"] = (
        "float32"  # of the towers; features are stored in float16
    )
    compile: bool = False  # torch.compile: minutes at first, which millions of photos repay

    @model_validator(mode="after")
    def _one_origin(self) -> "EncoderSettings":
        if (self.pretrained is None) == (self.training is None):
            raise ValueError("encoder: give either `pretrained` (an open_clip tag) or `training`")
        return self


class BackboneSettings(Section):
    """Another model whose image features GEM reads: an open_clip one, or an image-only `timm/…`."""

    architecture: str
    pretrained: str  # an open_clip tag, `imagenet`, a weights file in incoming, or `random` (untrained)
    image_size: Annotated[int, Field(ge=16, le=1024)] | None = None  # of timm models; None: their own
    batch_size: Positive = 256
    precision: Literal["float32", "bfloat16", "float16"] = "float32"


def _others(backbones: dict[str, BackboneSettings]) -> dict[str, BackboneSettings]:
    if ENCODER in backbones:
        raise ValueError(f"{ENCODER!r} is the profile's own encoder; name others otherwise")
    return backbones


class Im2CitySettings(Section):
    """GEM's labels, which photos have them, and where probes learn."""

    cities: str = "place-pulse"  # their 56; `places`: chosen from the gazetteer; or a CSV in incoming/im2city
    count: Annotated[int, Field(ge=2, le=5000)] = 56  # of `places`
    apart_km: Annotated[float, Field(ge=0)] = 500.0  # of `places`, at least
    least_photos: Positive = (
        16  # of `places`: photos that each must have in every source, none of them held out
    )
    radius_km: Annotated[float, Field(gt=0)] = 25.0  # a photo farther from every city has no label
    training: Annotated[dict[str, str], Field(min_length=1)] = Field(default_factory=dict)  # source: dataset
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2  # of training photos, by location
    validation_km: Annotated[float, Field(gt=0)] = 1.0  # what lies in one cell of it stays together
    backbones: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")], BackboneSettings],
        AfterValidator(_others),
    ] = Field(default_factory=dict)
    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.9  # of prediction sets, as stated
    permutations: Annotated[int, Field(ge=99, le=1_000_000)] = 9_999


class PlaceSettings(Section):
    """Who names places: the dataset's own metadata where they do, else polygons and places offline, or Nominatim."""

    published: bool = True  # MP16-Pro's own names come first
    geocoder: Literal["offline", "nominatim"] = "offline"
    near_km: Annotated[float, Field(gt=0, le=1000)] = 50.0  # offline: a place beyond it names no city
    nominatim_url: str = "http://localhost:8080"
    nominatim_requests_per_second: Annotated[float, Field(gt=0, le=10_000)] = 10.0
    nominatim_zoom: Annotated[int, Field(ge=3, le=18)] = 14


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone of that name; they read like Europe/Berlin")
    return name


class ScheduleSettings(Section):
    """When the daemon re-runs the benchmarks, and looks for new photos."""

    enabled: bool = False
    cron: Annotated[str, Field(pattern=CRON)] = "0 2 * * *"
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    # results older than this are stale; None: the longest pause between two re-runs, and some hours
    fresh_within_hours: Annotated[float, Field(ge=0.02, le=100_000)] | None = None
    inbox_seconds: Annotated[int, Field(ge=1)] = 30


def _several(given: Any) -> Any:
    """One alone may stand without brackets."""
    return [given] if isinstance(given, str) else given


Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_several)]


class NotifySettings(Section):
    """Who is told when a run fails or results go stale; nobody, if both are empty.

    Addresses and commands hold passwords: none of them is ever shown, recorded or serialised.
    """

    urls: Secrets = Field(default=(), exclude=True)  # of Apprise: mailto://…, slack://…, json://…
    command: Secrets = Field(default=(), exclude=True)  # and its arguments; the message is on its stdin
    pages: str = "http://127.0.0.1:3000"  # where Dagster's pages are, for links in messages

    @property
    def is_set(self) -> bool:
        """Whether anybody is to be told."""
        return bool(self.urls or self.command)


_IDENTITY = {"base_url", "model", "api_key", "temperature", "max_tokens", "price_in", "price_out", "budget"}


def _with_lmms(given: dict[str, Any]) -> dict[str, Any]:
    """Every section of `lmms` filled up with the manners of `lmm`, never with its identity, prices or budget."""
    lmm, lmms = given.get("lmm", {}), given.get("lmms")
    if not isinstance(lmm, dict) or not isinstance(lmms, dict):
        return given
    manners = {name: value for name, value in lmm.items() if name not in _IDENTITY}
    filled = {name: manners | own if isinstance(own, dict) else own for name, own in lmms.items()}
    return {**given, "lmms": filled}


class Profile(Section):
    """All a run needs to know; serialised slices of it are what lineage records as config."""

    name: str
    preset: Preset = (
        "default"  # `official` or `paper`: Geo-alignment and captions as the one or the other has them
    )
    datasets: tuple[Dataset, ...]
    encoder: EncoderSettings
    alignment: AlignmentSettings = AlignmentSettings()
    index: IndexSettings = IndexSettings()
    lmm: LmmSettings = LmmSettings()
    # others, which experiments name; see `_with_lmms`
    lmms: dict[str, LmmSettings] = Field(default_factory=dict)
    places: PlaceSettings = PlaceSettings()
    caption_template: str = "official"
    caption_granularity: str | None = None  # the template's own levels
    experiments: tuple[str, ...]
    gallery_policies: Annotated[tuple[GalleryPolicy, ...], Field(min_length=1)] = POLICIES  # arms of each
    answers: dict[str, Positive] = Field(
        default_factory=dict
    )  # benchmark: N, where it differs from the experiment's
    retrieved: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)  # benchmark: S, likewise
    held_out_photos: Positive = 500  # of held-out authors, on which N and S are chosen
    reference_depth: Annotated[int, Field(ge=1, le=1000)] = 20
    bootstrap_resamples: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    im2city: Im2CitySettings | None = None  # without it, no experiment of GEM can run
    reports: bool = True  # whether a run ends with the HTML reports
    device: Annotated[str, Field(pattern=r"^(cpu|mps|cuda(:\d+)?)$")] = "cpu"
    schedule: ScheduleSettings = ScheduleSettings()
    notify: NotifySettings = NotifySettings()

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, given: Any) -> Any:
        """A preset stands behind what is given explicitly, and `lmm` behind `lmms`, but for who is asked."""
        if not isinstance(given, dict):
            return given
        given = _with_lmms(given)
        preset = given.get("preset", "default")
        if preset == "default" or preset not in PRESETS:
            return given
        alignment = given.get("alignment", {})
        if isinstance(alignment, dict):
            alignment = {"preset": preset, **alignment}
        return {"caption_template": preset, **given, "alignment": alignment}

    @model_validator(mode="after")
    def _complete(self) -> "Profile":
        names = [dataset.name for dataset in self.datasets]
        if len(set(names)) != len(names):
            raise ValueError(f"dataset names repeat: {names}")
        for role in ("gallery", "benchmark"):
            if not any(dataset.role == role for dataset in self.datasets):
                raise ValueError(f"no dataset has role {role!r}; the workflow needs one")
        if not self.experiments:
            raise ValueError("experiments is empty; name at least one")
        for field, overrides in (("answers", self.answers), ("retrieved", self.retrieved)):
            unknown = sorted(overrides.keys() - set(self.benchmarks))
            if unknown:
                raise ValueError(f"{field}: no benchmark {unknown}; there are: {self.benchmarks}")
        return self

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name; KeyError lists those there are."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise KeyError(f"no dataset {name!r}; there are: {', '.join(d.name for d in self.datasets)}")

    def dataset_of(self, partition: str) -> tuple[Dataset, int]:
        """The dataset and shard number of a shard's partition key."""
        name, _, index = partition.rpartition("-")
        return self.dataset(name), int(index)

    def lmm_named(self, name: str) -> LmmSettings:
        """The LMM that an experiment names; KeyError says how to add it."""
        if name == DEFAULT_LMM:
            return self.lmm
        if name not in self.lmms:
            known = ", ".join([DEFAULT_LMM, *self.lmms])
            raise KeyError(
                f"no LMM {name!r} in profile {self.name}; there are: {known}. Give it a section under `lmms` "
                f"(base_url, model), or set G3_LMMS__{name.upper()}__BASE_URL and G3_LMMS__{name.upper()}__MODEL"
            )
        return self.lmms[name]

    def gem_settings(self, name: str, gem: Gem) -> Im2CitySettings:
        """The settings that an experiment of GEM's needs; KeyError says what the profile lacks for it."""
        if self.im2city is None:
            raise KeyError(
                f"experiment {name} needs the section `im2city`; pipelines/profiles/demo.yaml shows one"
            )
        if gem.backbone not in (known := (ENCODER, *self.im2city.backbones)):
            raise KeyError(
                f"experiment {name}: no backbone {gem.backbone!r}; there are: {', '.join(known)}. Give it a section "
                "under `im2city.backbones` (architecture, pretrained)"
            )
        if gem.training not in self.im2city.training:
            raise KeyError(
                f"experiment {name} learns from {gem.training!r}; im2city.training names a dataset for: "
                f"{', '.join(self.im2city.training) or 'nothing'}"
            )
        self.dataset(self.im2city.training[gem.training])
        return self.im2city

    @property
    def arms(self) -> tuple[str, ...]:
        """Every experiment under every gallery policy; KeyError for one that is not in the catalogue."""
        return arms(self.experiments, self.gallery_policies)

    @property
    def benchmarks(self) -> list[str]:
        """Names of the benchmark datasets."""
        return [dataset.name for dataset in self.datasets if dataset.role == "benchmark"]

    def shards(self, role: Role | None = None) -> list[str]:
        """Partition keys of all shards, or of those with a role."""
        wanted = [d for d in self.datasets if role is None or d.role == role]
        return [key for dataset in wanted for key in dataset.partitions]

    def plain(self, *sections: str) -> dict[str, Any]:
        """Named sections as JSON values (the key of the LMM is never among them)."""
        return self.model_dump(mode="json", include=set(sections))
