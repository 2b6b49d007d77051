"""The experiments of the papers' tables, one entry each; add a row here and it becomes a partition.

Choices where G3 is silent (paper section 5.2, tables 2 and 5):
- without Geo-alignment: plain CLIP retrieves, the trained image-GPS heads still verify; read as having no
  verifier either, it is the second row, with a random pick;
- without Geo-diversification: one prompt with 10 + 10 references, as the paper tuned it, N as in G3; with as many
  candidates as G3's four prompts give, it is the second row;
- without Geo-verification: a random pick from the same pool; retrieval only: no LMM, the verifier alone picks among
  the references that the largest prompt would show;
- IMG+GPS: heads trained with the image-GPS loss alone retrieve and verify;
- Equal Earth (table 3): heads trained with that projection; only what they retrieve is in the table;
- G3-N (table 7): heads trained on captions that name the neighbourhood too retrieve and verify;
- with the official references, the retrieval arrays that the authors published replace ours;
- figures 3 and 4 keep S = 0, the paper's setting of IM2GPS3k, on every benchmark;
- LLaVA (table 4): temperature and reference format of the released LLaVA script.

GEM's experiments are in `gem_catalogue.py`.

`name@lmm` is any experiment of these asking another LMM of the profile (of GEM's, `name@backbone` on another backbone),
and `name+policy` its arm with a gallery that
lacks the query's author (`other-authors`), or those and copies of the query (`other-authors-no-duplicates`).
"""

from collections.abc import Iterable
from dataclasses import replace

from g3lib.experiments.experiment import POLICIES, Experiment, GalleryPolicy, Prompt
from g3lib.experiments.gem_catalogue import GEM_EXPERIMENTS, on_backbone

ZERO_SHOT = Prompt("prompt-0")
RAG = tuple(Prompt(f"prompt-{k}", similar=k, dissimilar=k) for k in (5, 10, 15))
DIVERSIFIED = (ZERO_SHOT, *RAG)  # K = 4, paper section 5.3

NEAREST = Experiment(
    name="nn-clip",
    method="Nearest neighbour",
    variant="CLIP",
    gallery="image",
    retrieved=1,
    selection="first",
)
LMM_ONLY = Experiment(
    name="lmm-only",
    method="LMM only",
    variant="zero-shot",
    gallery=None,
    prompts=(ZERO_SHOT,),
    answers=1,
    selection="first",
)
IMG2LOC = Experiment(
    name="img2loc",
    method="Img2Loc",
    variant="16 + 16 references",
    gallery="image",
    prompts=(Prompt("prompt-16", similar=16, dissimilar=16),),
    prompt_set="img2loc",
    answers=1,
    temperature=1.0,
    max_tokens=300,
    selection="first",
)
G3 = Experiment(
    name="g3",
    method="G3",
    variant="full",
    gallery="image-gps-text",
    prompts=DIVERSIFIED,
    pool="benchmark",
)
WITHOUT_ALIGNMENT = replace(G3, name="g3-without-alignment", variant="w/o Geo-A", gallery="image")
WITHOUT_DIVERSIFICATION = replace(
    G3, name="g3-without-diversification", variant="w/o Geo-D", prompts=(RAG[1],)
)

ABLATIONS = (
    WITHOUT_ALIGNMENT,
    replace(
        WITHOUT_ALIGNMENT,
        name="g3-without-alignment-unverified",
        variant="w/o Geo-A, random pick",
        selection="random",
    ),
    WITHOUT_DIVERSIFICATION,
    replace(
        WITHOUT_DIVERSIFICATION,
        name="g3-without-diversification-same-pool",
        variant="w/o Geo-D, 20 answers",
        answers=20,
        pool="own",
    ),
    replace(G3, name="g3-without-verification", variant="w/o Geo-V", selection="random"),
    replace(
        G3,
        name="g3-retrieval-only",
        variant="retrieval only, verified",
        prompts=(),
        retrieved=RAG[-1].similar,
        pool="own",
    ),
)
MODALITIES = (
    replace(G3, name="g3-img", variant="IMG", gallery="image"),
    replace(G3, name="g3-img-gps", variant="IMG+GPS", gallery="image-gps", alignment="image-gps"),
    replace(G3, name="g3-img-gps-text", variant="IMG+GPS+TEXT"),
    replace(
        G3,
        name="g3-n",
        variant="G3-N",
        gallery="image-gps-text-neighbourhood",
        alignment="image-gps-text-neighbourhood",
    ),
)
POOLS = (
    replace(
        G3,
        name="g3-official-pool",
        variant="pool of the released code",
        retrieved=1,
        retrieved_repeats=5,
        pool="own",
    ),
    replace(
        G3, name="g3-chosen-pool", variant="N, S by held-out authors", answers=10, retrieved=5, pool="chosen"
    ),
)
FIGURE_3 = tuple(
    replace(G3, name=f"g3-prompts-{k}", variant=f"K = {k}", prompts=DIVERSIFIED[:k], pool="own")
    for k in range(1, len(DIVERSIFIED) + 1)
)
FIGURE_4 = tuple(
    replace(G3, name=f"g3-candidates-{n}", variant=f"N = {n}", answers=n, pool="own") for n in (1, 3, 5, 7, 9)
)
TABLE_4 = (
    replace(
        IMG2LOC,
        name="img2loc-llava",
        variant="LLaVA",
        lmm="llava",
        temperature=0.7,
        reference_format="lists",
    ),
    replace(G3, name="g3-llava", variant="LLaVA", lmm="llava", temperature=0.7, reference_format="lists"),
)
WORDINGS = (
    replace(G3, name="g3-paper-wording", variant="prompts of the paper's figure", prompt_set="paper"),
    replace(G3, name="g3-reference-places", variant="references named", reference_places=True),
    replace(G3, name="g3-place-name", variant="answers are place names", prompt_set="place-name"),
    replace(LMM_ONLY, name="lmm-only-place-name", variant="place name", prompt_set="place-name"),
)

EXPERIMENTS: tuple[Experiment, ...] = (
    replace(NEAREST, name="nn-colour-histogram", variant="colour histogram", gallery="colour-histogram"),
    NEAREST,
    replace(NEAREST, name="nn-g3", variant="G3", gallery="image-gps-text"),
    replace(
        NEAREST, name="nn-g3-equal-earth", variant="G3 + Equal Earth", gallery="image-gps-text-equal-earth"
    ),
    LMM_ONLY,
    IMG2LOC,
    G3,
    *ABLATIONS,
    *MODALITIES,
    *POOLS,
    *FIGURE_3,
    *FIGURE_4,
    *TABLE_4,
    *WORDINGS,
    replace(G3, name="g3-official-references", variant="official references", gallery="official"),
    *GEM_EXPERIMENTS,
)


def experiment(name: str, among: tuple[Experiment, ...] = EXPERIMENTS) -> Experiment:
    """The experiment of that name, `name+policy`, `name@lmm` or `name+policy@lmm`; KeyError lists those there are."""
    arm, at, lmm = name.partition("@")
    plain, plus, policy = arm.partition("+")
    found = next((each for each in among if each.name == plain), None)
    if found is None:
        raise KeyError(f"no experiment {name!r}; there are: {', '.join(e.name for e in among)}")
    if plus:
        if policy not in POLICIES[1:]:
            raise KeyError(f"no experiment {name!r}: behind + stands one of {', '.join(POLICIES[1:])}")
        found = _arm(found, policy)
    if at and found.gem is not None:
        return on_backbone(found, lmm)
    return replace(found, name=name, variant=f"{found.variant}, {lmm}", lmm=lmm) if at else found


def _arm(found: Experiment, policy: GalleryPolicy) -> Experiment:
    try:
        return replace(found, name=f"{found.name}+{policy}", policy=policy)
    except ValueError as problem:
        raise KeyError(str(problem)) from problem


def open_arm(name: str) -> str:
    """The name of the same experiment with the open gallery, as the papers have it."""
    arm, at, lmm = name.partition("@")
    return arm.partition("+")[0] + at + lmm


def arms(names: Iterable[str], policies: Iterable[GalleryPolicy]) -> tuple[str, ...]:
    """Every experiment under every policy, once; those that search no gallery, and named arms, as they are."""
    wanted = list(policies)
    return tuple(dict.fromkeys(arm for name in names for arm in _arms(name, wanted)))


def _arms(name: str, policies: list[GalleryPolicy]) -> list[str]:
    if experiment(name).gallery in (None, "official") or "+" in name:
        return [name]
    plain, at, lmm = name.partition("@")
    return [name if policy == "open" else f"{plain}+{policy}{at}{lmm}" for policy in policies]
