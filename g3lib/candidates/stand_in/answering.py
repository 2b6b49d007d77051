"""From guessed points to texts: bare JSON mostly, sometimes dressed in words as LMMs do."""

from g3lib.candidates.stand_in.forms import Form
from g3lib.candidates.stand_in.guessing import guesses
from g3lib.candidates.stand_in.naming import named

PROSE_RATE = 0.04  # answers that are not bare JSON, so that the parser earns its keep

_DRESSED = (
    "I think this photo was taken here: {}. I hope this helps!",
    "```json\n{}\n```",
    "Judging by the references, my best guess is {}",
)


def answers(
    text: str, image_digest: str, seed: int, temperature: float, n: int, form: Form | None = None
) -> list[str]:
    """`n` answers to a prompt, determined by the arguments alone; `form` is the text's by default."""
    form = form or Form.of(None, text)
    drawn = list(guesses(text, image_digest, seed, temperature, n))
    places = named([point for point, _ in drawn]) if form.names_place else [{}] * n
    texts = []
    for ((lat, lon), draw), place in zip(drawn, places, strict=True):
        answer = form.written(lat, lon, place)
        dressed = not form.bare and draw.random() < PROSE_RATE
        texts.append(draw.choice(_DRESSED).format(answer) if dressed else answer)
    return texts
