"""What an LMM says before and after coordinates: full of numbers, of references, of markup."""

from random import Random

from tests.g3lib.candidates.answer_formats import FORMATS, Format

# formats that are an answer by themselves, so that anything may stand around them
BARE = (
    *(
        "json",
        "json, short keys",
        "json, strings with letters",
        "json, a list",
        "json, a bare list",
        "geojson",
    ),
    *("fenced", "python", "pair", "pair in brackets", "decimal commas", "scientific", "unicode minus"),
    *(
        "labels",
        "labels, reversed",
        "labels, equals",
        "labels after",
        "labels, both after",
        "bullets",
        "numbered",
    ),
    *(
        "table",
        "letters",
        "letters first",
        "letters glued",
        "words",
        "arc",
        "arc, ASCII",
        "arc, spaces",
        "arc, words",
    ),
    *("decimal minutes", "LaTeX", "LaTeX box", "HTML", "geo URI", "map link", "WKT"),
)
BEFORE = (
    *(
        "",
        "The answer is ",
        "I think it's ",
        "GPS: ",
        "Prediction ~ ",
        "Paris, France\n",
        "Sure! Here's the JSON:\n",
    ),
    *("**Answer:**\n\n", "(latitude, longitude): ", "Q: What are the coordinates?\nA: ", "Confidence 85%.\n"),
    "Based on the <year> license plates and 2 signs, my estimate is:\n\n",
    "The photo shows a bridge built in <year>, <km> km long. Coordinates: ",
    "Looking at the image, I see 3 people, 2 dogs and a sign reading 'Route 66'.\n\nLocation: ",
    "Similar images: [<other>], [<other>].\n\nMy estimate: ",
    "Reference images:\n1. <other>\n2. <other>\n\nBest guess: ",
    "Coordinates of similar images: [[<other>], [<other>]]\nCoordinates of this image: ",
    "The similar image at <other> looks close, so I estimate ",
    "Given the references (e.g. [<other>]), I believe this is near ",
    "The dissimilar images (<other>; <other>) rule out Asia. Therefore, the photo was most likely taken at ",
    "It's not <other>, but ",
    "Looks like <other>? No wait, actually it is ",
    "Possible locations include <other> or <other>. However, the most likely is ",
    "I'm sorry, I can't be fully certain, but here is my best guess: ",
    "Step 1: vegetation (60% tropical). Step 2: road width 3.5 m, 2.75 m. Final answer: ",
    "The flag is at 45.5 degrees. The sun is 30° high, 12.5° left. So the coordinates would be ",
    "The latitude and longitude are approximately: ",
    "As of <year>-05-12 10:30, v1.2.3: ",
    "The license plate reads 48-51-24. I'd say ",
    'The format requested is {"latitude": float,"longitude": float}. ',
    "Photo #3 of 12, 4032x3024, f/1.8, 1/250 s, ISO 64, 26 mm.\n\n",
    "Temperatures of 25.5, 26.5 are typical here. Guess: ",
    "Time zone UTC+5:30, population 1,234,567. Location guess: ",
)
AFTER = (
    *(
        "",
        ".",
        "!",
        " (approx.)",
        "\n\nConfidence: 80%",
        " with 90% confidence.",
        " (±5 km)",
        "<|im_end|>",
        "\n```",
    ),
    *(" I hope this helps!", " (WGS 84, EPSG:4326)", " [1][2]", " in decimal degrees", "; altitude 35.5 m"),
    *(" - that's my best guess.", " near the city center, 35 m above sea level.", " — Rue 12, 75001 Paris"),
    "\n\nExplanation: the sign shows a phone number 555-1234 and the year <year>.",
    "\n\nThis is about <km> km from the similar image at <other>.",
    "\n\nNote: coordinates are approximate; the similar images are at [<other>].",
    "\n\nAlternative: <other>",
    "\n\nReferences:\n1. <other>\n2. <other>",
    " which lies 3.5 km N of the river, 2.5 km E of the park.",
    "\n\nLet me know if you need anything else! 😊",
    "\n\n(Accuracy: 0.85, 0.90)",
)
_BY_NAME = {each.name: each for each in FORMATS}


def surrounded(draw: Random) -> Format:
    """A format with something drawn before and after it."""
    inner = _BY_NAME[draw.choice(BARE)]
    return Format(inner.name, draw.choice(BEFORE) + inner.template + draw.choice(AFTER), inner.decimals)
