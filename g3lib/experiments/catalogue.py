"""The experiments of the papers' tables, one entry each; add a row here and it becomes a partition.

Choices where G3 is silent (reference: paper section 5.2, tables 2 and 5):
- without Geo-alignment: plain CLIP retrieves, the trained image-GPS heads still verify;
- without Geo-diversification: one prompt with 10 + 10 references, as the paper tuned it, N as in G3;
- without Geo-verification: a random pick from the same pool;
- IMG+GPS: heads trained with the image-GPS loss alone retrieve and verify;
- Equal Earth (table 3): heads trained with that projection; only what they retrieve is in the table;
- G3-N (table 7): heads trained on captions that name the neighbourhood too retrieve and verify;
- with the official references, the retrieval arrays that the authors published replace ours.
"""

from dataclasses import replace

from g3lib.experiments.experiment import Experiment, Prompt

ZERO_SHOT = Prompt("prompt-0", "g3-zero-shot")
RAG = tuple(Prompt(f"prompt-{k}", "g3-rag", similar=k, dissimilar=k) for k in (5, 10, 15))
DIVERSIFIED = (ZERO_SHOT, *RAG)  # K = 4, paper section 5.3

NEAREST = Experiment(
    name="nn-clip",
    method="Nearest neighbour",
    variant="CLIP",
    gallery="image",
    retrieved=1,
    selection="first",
)
G3 = Experiment(name="g3", method="G3", variant="full", gallery="image-gps-text", prompts=DIVERSIFIED)

EXPERIMENTS: tuple[Experiment, ...] = (
    replace(NEAREST, name="nn-colour-histogram", variant="colour histogram", gallery="colour-histogram"),
    NEAREST,
    replace(NEAREST, name="nn-g3", variant="G3", gallery="image-gps-text"),
    replace(
        NEAREST, name="nn-g3-equal-earth", variant="G3 + Equal Earth", gallery="image-gps-text-equal-earth"
    ),
    Experiment(
        name="lmm-only",
        method="LMM only",
        variant="zero-shot",
        gallery=None,
        prompts=(ZERO_SHOT,),
        answers=1,
        selection="first",
    ),
    Experiment(
        name="img2loc",
        method="Img2Loc",
        variant="16 + 16 references",
        gallery="image",
        prompts=(Prompt("prompt-16", "img2loc", similar=16, dissimilar=16),),
        answers=1,
        temperature=1.0,
        selection="first",
    ),
    G3,
    replace(G3, name="g3-without-alignment", variant="w/o Geo-A", gallery="image"),
    replace(G3, name="g3-without-diversification", variant="w/o Geo-D", prompts=(RAG[1],)),
    replace(G3, name="g3-without-verification", variant="w/o Geo-V", selection="random"),
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
    replace(G3, name="g3-official-references", variant="official references", gallery="official"),
)


def experiment(name: str, among: tuple[Experiment, ...] = EXPERIMENTS) -> Experiment:
    """The experiment of that name; KeyError lists those there are."""
    for each in among:
        if each.name == name:
            return each
    raise KeyError(f"no experiment {name!r}; there are: {', '.join(e.name for e in among)}")
