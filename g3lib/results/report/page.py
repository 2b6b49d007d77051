"""The page: a template, a style and scripts of this package, filled and sealed so that nothing else can run in it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

SCRIPTS = (
    *("elements", "unpacking", "facts", "vega", "figures", "choosing", "world"),
    *("pictures", "atlas", "galleries", "photo", "start"),
)
SECTIONS = {
    "curves": "At a glance",
    "leaderboard": "Leaderboard",
    "differences": "Differences",
    "published": "Published",
    "places": "Where",
    "misses": "Misses",
    "certainty": "Certainty",
    "map": "Map",
    "failures": "Failures",
    "cases": "Cases",
    "provenance": "Provenance",
}
# JSON within a script element: what could end the element, or what old engines take for a line's end
_UNSAFE = {each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


def page(filling: Mapping[str, Any], about: Mapping[str, Any], charting: str) -> str:
    """The finished file. `charting` is the script that is unpacked later: only it and ours may run."""
    style, script = _part("looks.css"), own_script()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(script)} {_digest(charting)}",
            f"style-src {_digest(style)}",
            "img-src blob: data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    sealed = {"policy": policy, "style": _safe(style), "script": _safe(script), "about": safe_json(about)}
    return str(_template().render({**filling, **sealed, "sections": SECTIONS.items()}))


def own_script() -> str:
    """Our scripts as one, in an order in which each finds what it needs, invisible to the console's scope."""
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def safe_json(value: Any) -> Any:
    """JSON as the content of a script element, whatever texts are in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _safe("".join(_UNSAFE.get(each, each) for each in text))


@cache
def _part(name: str) -> str:
    return files("g3lib.results.report").joinpath("page", name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from g3lib.results.report.leaderboard import percent, signed

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.globals.update(percent=percent, signed=signed)
    return environment.from_string(_part("page.html.jinja"))


def _safe(text: str) -> Any:
    """Text of our own, or made safe, that is to stand in the page as it is."""
    from markupsafe import Markup

    if any(end in text for end in ("</script", "</style", "<!--")):
        raise ValueError("a part of the page holds </script, </style or <!--, which would end it early")
    return Markup(text)


def _digest(text: str) -> str:
    """As a content security policy names an inline script or style."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
