"""An experiment as data: a method, its variant and every parameter, frozen.

The catalogue of them is `catalogue.py`; what runs them does not belong here.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from g3lib.experiments.alignment import HEADS
from g3lib.experiments.gem import Gem

Gallery = Literal[
    "colour-histogram",
    "image",
    "image-gps",
    "image-gps-text",
    "image-gps-text-equal-earth",
    "image-gps-text-neighbourhood",
    "official",
]
GalleryPolicy = Literal["open", "other-authors", "other-authors-no-duplicates"]
Selection = Literal["verifier", "first", "random"]
Pool = Literal["own", "benchmark", "chosen"]
ReferenceFormat = Literal["strings", "lists"]

DEFAULT_LMM = "default"  # the profile's section `lmm`; others are sections of `lmms`

GALLERIES: tuple[Gallery, ...] = get_args(Gallery)
ALIGNMENTS: tuple[Gallery, ...] = tuple(
    each for each in GALLERIES if each in HEADS
)  # with heads of their own
POLICIES: tuple[GalleryPolicy, ...] = get_args(GalleryPolicy)


@dataclass(frozen=True)
class Prompt:
    """One question to the LMM: how many similar and dissimilar reference coordinates it shows."""

    source: str  # the name in results.candidate, e.g. `prompt-5`
    similar: int = 0
    dissimilar: int = 0


@dataclass(frozen=True)
class Experiment:
    """Retrieval, prompts, answers and selection of one row of a table.

    gallery:            whose embedding retrieves the references; None if nothing is retrieved.
    policy:             which gallery photos a query may meet: all, none of its author's, nor copies of it.
    alignment:          the trained heads whose image-GPS similarity verifies.
    prompts:            K prompts, each answered `answers` times (N of the paper).
    prompt_set:         their wording, a file of g3lib/candidates/prompt_sets.
    reference_format:   how prompts write references; None leaves it to the prompt set.
    reference_places:   whether prompts name the place of each reference, too.
    lmm:                which of the profile's LMMs is asked.
    retrieved:          S, how many top retrieved coordinates join the candidates.
    retrieved_repeats:  how often each of those joins (the released code repeats its only one).
    pool:               where N and S come from: `own` are those above; `benchmark` are the profile's for
                        the benchmark, if it has any; `chosen` are chosen on held-out authors of the gallery,
                        at most those above.
    selection:          `verifier` is Geo-verification; `first` and `random` do without.
    gem:                what names the photo's city, whose position is the candidate; None for G3 and its kin.
    """

    name: str
    method: str
    variant: str
    gallery: Gallery | None
    prompts: tuple[Prompt, ...] = ()
    prompt_set: str = "official"
    reference_format: ReferenceFormat | None = None
    reference_places: bool = False
    policy: GalleryPolicy = "open"
    lmm: str = DEFAULT_LMM
    answers: int = 5
    temperature: float = 1.2
    max_tokens: int = 200
    retrieved: int = 0
    retrieved_repeats: int = 1
    pool: Pool = "own"
    selection: Selection = "verifier"
    alignment: Gallery = "image-gps-text"
    seed: int = 0
    gem: Gem | None = None

    def __post_init__(self) -> None:
        """Refuse what could not run, naming the field."""
        if not self.prompts and not self.retrieved and self.gem is None:
            raise ValueError(f"experiment {self.name}: no prompts, retrieved=0 and no gem give no candidates")
        if self.gem is not None and (self.prompts or self.gallery or self.selection != "first"):
            raise ValueError(
                f"experiment {self.name}: gem takes no prompts and no gallery, and its first label"
            )
        if self.gallery is None and self.references_needed:
            raise ValueError(f"experiment {self.name}: {self.references_needed} references, no gallery")
        if min(self.answers, self.retrieved_repeats, self.max_tokens) < 1:
            raise ValueError(
                f"experiment {self.name}: answers={self.answers}, retrieved_repeats={self.retrieved_repeats}, "
                f"max_tokens={self.max_tokens}: each must be at least 1"
            )
        if self.retrieved < 0 or any(min(each.similar, each.dissimilar) < 0 for each in self.prompts):
            raise ValueError(f"experiment {self.name}: retrieved, similar and dissimilar count from 0")
        if self.policy != "open" and self.gallery in (None, "official"):
            raise ValueError(
                f"experiment {self.name}: policy={self.policy!r} with gallery {self.gallery!r}, of which there is "
                "only the open one"
            )
        self._check_names()

    def _check_names(self) -> None:
        """Types promise these, but a misspelt name in the catalogue must not wait for a type checker."""
        for field, value, allowed in (
            ("gallery", self.gallery, (None, *GALLERIES)),
            ("policy", self.policy, POLICIES),
            ("alignment", self.alignment, ALIGNMENTS),
            ("selection", self.selection, get_args(Selection)),
            ("pool", self.pool, get_args(Pool)),
            ("reference_format", self.reference_format, (None, *get_args(ReferenceFormat))),
        ):
            if value not in allowed:
                raise ValueError(f"experiment {self.name}: {field}={value!r} is none of {allowed}")
        sources = [each.source for each in self.prompts]
        if len(set(sources)) < len(sources):
            raise ValueError(f"experiment {self.name}: prompts share a source: {sources}")

    @property
    def verifies(self) -> bool:
        """Whether trained heads score its candidates."""
        return bool(self.prompts) or self.selection == "verifier"

    @property
    def gallery_policy(self) -> GalleryPolicy | None:
        """The policy, as tables print it: null where nothing is retrieved."""
        return None if self.gallery is None else self.policy

    @property
    def references_needed(self) -> int:
        """How deep the retrieval must go."""
        shown = [max(prompt.similar, prompt.dissimilar) for prompt in self.prompts]
        return max([self.retrieved, *shown])

    def question(self, prompt: Prompt) -> tuple[object, ...]:
        """What two experiments have in common that put the same question to the same LMM about every photo."""
        gallery = (self.gallery, self.policy) if prompt.similar or prompt.dissimilar else None
        wording = (
            (self.prompt_set, self.reference_format, self.reference_places) if gallery else self.prompt_set
        )
        sampling = (self.temperature, self.max_tokens, self.seed)
        return self.lmm, wording, gallery, prompt.similar, prompt.dissimilar, *sampling

    def as_config(self) -> dict[str, Any]:
        """Every parameter as plain JSON values, for lineage and MLflow."""
        config = asdict(self)
        if self.gem is None:
            del config["gem"]  # what has none is the same experiment as before there was any
        return config
