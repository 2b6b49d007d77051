"""An experiment as data: a method, its variant and every parameter, frozen.

The catalogue of them is `catalogue.py`; what runs them does not belong here.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from g3lib.experiments.alignment import HEADS

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

GALLERIES: tuple[Gallery, ...] = get_args(Gallery)
ALIGNMENTS: tuple[Gallery, ...] = tuple(
    each for each in GALLERIES if each in HEADS
)  # with heads of their own
POLICIES: tuple[GalleryPolicy, ...] = get_args(GalleryPolicy)


@dataclass(frozen=True)
class Prompt:
    """One question to the LMM: how many similar and dissimilar reference coordinates it shows."""

    source: str  # the name in results.candidate, e.g. `prompt-5`
    template: str  # a name of g3lib.candidates.prompts
    similar: int = 0
    dissimilar: int = 0


@dataclass(frozen=True)
class Experiment:
    """Retrieval, prompts, answers and selection of one row of a table.

    gallery:    whose embedding retrieves the references; None if nothing is retrieved.
    alignment:  the trained heads whose image-GPS similarity verifies.
    prompts:    K prompts, each answered `answers` times (N of the paper).
    retrieved:  S, how many top retrieved coordinates join the candidates.
    selection:  `verifier` is Geo-verification; `first` and `random` do without.
    """

    name: str
    method: str
    variant: str
    gallery: Gallery | None
    prompts: tuple[Prompt, ...] = ()
    answers: int = 5
    temperature: float = 1.2
    retrieved: int = 0
    selection: Selection = "verifier"
    alignment: Gallery = "image-gps-text"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what could not run, naming the field."""
        if not self.prompts and not self.retrieved:
            raise ValueError(f"experiment {self.name}: no prompts and retrieved=0 give no candidates")
        if self.gallery is None and self.references_needed:
            raise ValueError(f"experiment {self.name}: {self.references_needed} references, no gallery")
        if self.answers < 1:
            raise ValueError(f"experiment {self.name}: answers={self.answers}, at least 1 is needed")
        if self.retrieved < 0 or any(min(each.similar, each.dissimilar) < 0 for each in self.prompts):
            raise ValueError(f"experiment {self.name}: retrieved, similar and dissimilar count from 0")
        self._check_names()

    def _check_names(self) -> None:
        """Types promise these, but a misspelt name in the catalogue must not wait for a type checker."""
        for field, value, allowed in (
            ("gallery", self.gallery, (None, *GALLERIES)),
            ("alignment", self.alignment, ALIGNMENTS),
            ("selection", self.selection, get_args(Selection)),
        ):
            if value not in allowed:
                raise ValueError(f"experiment {self.name}: {field}={value!r} is none of {allowed}")
        sources = [each.source for each in self.prompts]
        if len(set(sources)) < len(sources):
            raise ValueError(f"experiment {self.name}: prompts share a source: {sources}")

    @property
    def references_needed(self) -> int:
        """How deep the retrieval must go."""
        shown = [max(prompt.similar, prompt.dissimilar) for prompt in self.prompts]
        return max([self.retrieved, *shown])

    def as_config(self) -> dict[str, Any]:
        """Every parameter as plain JSON values, for lineage and MLflow."""
        return asdict(self)
