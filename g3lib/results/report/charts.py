"""The report's charts as Vega specifications: what they draw comes from the page's data, colours from its style.

Each has one table named `rows`, which page/charts.js fills; the same rows are the table beneath the chart. Experiments
bring their `colour`, `dash` and `shape` with them, so that no two look alike to whoever sees no colours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from g3lib.results.metrics import THRESHOLDS_KM

if TYPE_CHECKING:
    import altair

    Drawn = altair.LayerChart | altair.FacetChart

Spec = dict[str, Any]
KILOMETRES = [0.1, *THRESHOLDS_KM, 20_000]
WIDTH, HEIGHT, ROW = 640, 320, 26  # pixels; the page sets the width anew
GREY = "#808890"  # seen on light and dark


@cache
def charts() -> dict[str, Spec]:
    """Vega by the name of the chart; altair and Vega-Lite's compiler are loaded when this is first asked."""
    import vl_convert

    return {name: vl_convert.vegalite_to_vega(_whole(draw())) for name, draw in _CHARTS.items()}


@cache
def scripts() -> str:
    """Vega itself, with all it needs, as one script that sets `window.vegaEmbed`."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _whole(chart: altair.TopLevelMixin) -> Spec:
    """What Vega-Lite's compiler takes; looks are the page's."""
    spec: Spec = json.loads(chart.to_json(validate=True))
    spec["config"] = {"view": {"stroke": None}}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _rows() -> altair.Chart:
    import altair as alt

    return alt.Chart(alt.NamedData(name="rows"))


def _looks() -> dict[str, Any]:
    """Colour and dashes as the rows have them."""
    import altair as alt

    return {"color": alt.Color("colour:N", scale=None), "detail": "experiment:N"}


def _percent(field: str, title: str, channel: Callable[..., Any], **more: Any) -> Any:
    """A fraction on an axis of percent."""
    import altair as alt

    axis = alt.Axis(format="~%", title=title, tickCount=5)
    return channel(f"{field}:Q", axis=axis, **more)


def _names() -> Any:
    """Names to the left of their rows, in two lines where the page breaks them."""
    import altair as alt

    return alt.Axis(
        labelExpr="split(datum.value, '\\n')", labelLimit=220, domain=False, ticks=False, labelLineHeight=12
    )


def _unit(field: str, title: str, channel: Callable[..., Any]) -> Any:
    import altair as alt

    return _percent(field, title, channel, scale=alt.Scale(domain=[0, 1]))


def _curves() -> Drawn:
    """Share of all queries closer than a distance, a line per experiment."""
    import altair as alt

    x = alt.X(
        "km:Q",
        scale=alt.Scale(type="log", domain=[0.1, 20_038]),
        axis=alt.Axis(values=KILOMETRES, title="distance, km (logarithmic)", format=",~r", labelOverlap=True),
    )
    thresholds = alt.Chart(alt.InlineData(values=[{"km": km} for km in THRESHOLDS_KM]))
    rules = thresholds.mark_rule(strokeDash=[2, 3], color=GREY, aria=False).encode(x=x)
    lines = _rows().mark_line(strokeWidth=2, aria=False)
    y = _unit("share", "closer than that, % of all queries", alt.Y)
    drawn = lines.encode(x=x, y=y, strokeDash=alt.StrokeDash("dash:N", scale=None), **_looks())
    return alt.layer(rules, drawn).properties(width=WIDTH, height=HEIGHT)


def _interval_rows(zero: bool, title: str, extra: tuple[str, str] | None = None) -> Drawn:
    """A dot with its interval for each row, names on the left."""
    import altair as alt

    y = alt.Y("name:N", sort=None, title=None, axis=_names())
    x = _percent("value", title, alt.X, scale=alt.Scale(zero=zero, nice=True))
    colour = alt.Color("colour:N", scale=None)
    whiskers = _rows().mark_rule(strokeWidth=2.5, aria=False)
    whiskers = whiskers.encode(y=y, x=_percent("low", title, alt.X), x2="high:Q", color=colour)
    tooltip = [alt.Tooltip("name:N"), alt.Tooltip("text:N", title="measured")]
    dots = (
        _rows()
        .mark_point(filled=True, size=75, opacity=1, aria=False)
        .encode(y=y, x=x, color=colour, shape=alt.Shape("shape:N", scale=None), tooltip=tooltip)
    )
    layers = [whiskers, dots]
    if extra:
        field, what = extra
        layers.append(
            _rows()
            .transform_filter(f"isValid(datum.{field})")
            .mark_point(shape="diamond", filled=False, size=90, strokeWidth=1.8, opacity=1, aria=False)
            .encode(
                y=y,
                x=alt.X(f"{field}:Q"),
                color=alt.Color("ink:N", scale=None),
                tooltip=[alt.Tooltip("name:N"), alt.Tooltip(f"{field}:Q", title=what, format=".1%")],
            )
        )
    if zero:
        origin = alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        layers.insert(0, origin.mark_rule(color=GREY, aria=False).encode(x="zero:Q"))
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(ROW))


def _grouped(field: str, height: int) -> Drawn:
    """Intervals of several experiments side by side within each group."""
    import altair as alt

    y = alt.Y(
        f"{field}:N",
        sort=None,
        title=None,
        axis=alt.Axis(labelLimit=140, domain=False, ticks=False, grid=True),
    )
    offset = alt.YOffset("experiment:N", sort=None)
    shared = {"y": y, "yOffset": offset, "color": alt.Color("colour:N", scale=None)}
    whiskers = _rows().mark_rule(strokeWidth=2, aria=False)
    whiskers = whiskers.encode(
        x=_percent("low", "% of the queries there", alt.X, scale=alt.Scale(zero=True)), x2="high:Q", **shared
    )
    tooltip = [
        alt.Tooltip("experiment:N"),
        alt.Tooltip("text:N", title="measured"),
        alt.Tooltip("n:Q", title="queries"),
    ]
    dots = (
        _rows()
        .mark_point(filled=True, size=50, opacity=1, aria=False)
        .encode(
            x=_percent("value", "% of the queries there", alt.X),
            shape=alt.Shape("shape:N", scale=None),
            tooltip=tooltip,
            **shared,
        )
    )
    return alt.layer(whiskers, dots).properties(width=WIDTH, height=alt.Step(height, **{"for": "position"}))


def _lines(x: Any, y: Any, diagonal: bool = False) -> Drawn:
    """Dots joined by lines, one per experiment."""
    import altair as alt

    tooltip = [alt.Tooltip("experiment:N"), alt.Tooltip("text:N", title="here")]
    lines = _rows().mark_line(strokeWidth=2, aria=False)
    lines = lines.encode(x=x, y=y, strokeDash=alt.StrokeDash("dash:N", scale=None), **_looks())
    dots = _rows().mark_point(filled=True, size=45, opacity=1, aria=False)
    dots = dots.encode(x=x, y=y, shape=alt.Shape("shape:N", scale=None), tooltip=tooltip, **_looks())
    layers = [lines, dots]
    if diagonal:
        corner = _rows().transform_aggregate(limit="max(limit)").transform_calculate(origin="0")
        kept = corner.mark_rule(strokeDash=[4, 4], color=GREY, aria=False)
        layers.insert(0, kept.encode(x="origin:Q", y="origin:Q", x2="limit:Q", y2="limit:Q"))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _oracle() -> Drawn:
    import altair as alt

    x = alt.X("k:N", sort=None, title="first K candidates by score", axis=alt.Axis(labelAngle=0))
    return _lines(x, _percent("value", "accuracy if the best of them were chosen", alt.Y))


def _calibration() -> Drawn:
    import altair as alt

    return _lines(
        _percent("predicted", "predicted chance", alt.X),
        _percent("measured", "measured share", alt.Y),
        diagonal=True,
    )


def _selective() -> Drawn:
    import altair as alt

    answered = _unit("answered", "answered, % of the queries (the most certain)", alt.X)
    return _lines(answered, _percent("value", "accuracy of the answered", alt.Y))


def _miss() -> Drawn:
    """One bar for each row, its parts in the order of their numbers."""
    import altair as alt

    y = alt.Y("name:N", sort=None, title=None, axis=_names())
    x = alt.X(
        "from:Q",
        axis=alt.Axis(format="~%", title="% of all queries", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    shared = {"y": y, "x": x, "x2": "to:Q"}
    tooltip = [alt.Tooltip("name:N"), alt.Tooltip("kind:N"), alt.Tooltip("text:N", title="share")]
    bars = (
        _rows()
        .mark_bar(aria=False, stroke="transparent")
        .encode(color=alt.Color("colour:N", scale=None), tooltip=tooltip, **shared)
    )
    middle = alt.X("middle:Q")
    texts = _rows().transform_filter("datum.to - datum.from > 0.07")
    labels = texts.mark_text(fontSize=11, fontWeight="bold", aria=False).encode(
        y=y, x=middle, text="short:N", color=alt.Color("ink:N", scale=None)
    )
    return alt.layer(bars, labels).properties(width=WIDTH, height=alt.Step(30))


_CHARTS: dict[str, Callable[[], Drawn]] = {
    "curves": _curves,
    "intervals": lambda: _interval_rows(False, "% of all queries", ("published", "published")),
    "differences": lambda: _interval_rows(True, "percentage points of all queries"),
    "continents": lambda: _grouped("group", 62),
    "places": lambda: _grouped("group", 62),
    "oracle": _oracle,
    "miss": _miss,
    "calibration": _calibration,
    "selective": _selective,
}
