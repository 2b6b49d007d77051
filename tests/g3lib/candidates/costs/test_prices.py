"""Prices: the shipped table, the user's before it, the profile's before both; images by OpenAI's rules."""

from pathlib import Path

import pytest

from g3lib.candidates.costs.prices import Prices, PriceTableError, _shipped, known_prices, prices_of
from g3lib.experiments.lmm import LmmSettings

PUBLIC = "https://api.example.com/v1"


def of(model: str, own: Path | None = None, base_url: str = PUBLIC, **more: float) -> Prices:
    return prices_of(LmmSettings(base_url=base_url, model=model, **more), own)  # type: ignore[arg-type]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "prices.yaml"


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gpt-4-turbo", (10, 30)),
        ("gpt-4-turbo-2024-04-09", (10, 30)),
        ("gpt-4-vision-preview", (10, 30)),
        ("gpt-4o", (2.5, 10)),
        ("gpt-4o-2024-05-13", (5, 15)),
        ("gpt-4o-2024-11-20", (2.5, 10)),
        ("gpt-4o-mini", (0.15, 0.6)),
        ("GPT-4.1", (2, 8)),
        ("openai/gpt-4.1-mini", (0.4, 1.6)),
        ("gpt-5-mini-2025-08-07", (0.25, 2)),
        ("gpt-4", (None, None)),  # sees nothing
        ("gpt-4o-realtime", (None, None)),
        ("ft:gpt-4o-mini:mine", (None, None)),
    ],
)
def test_shipped_prices(model: str, usd: tuple[float | None, float | None]) -> None:
    found = of(model)
    assert (found.usd_in, found.usd_out) == usd
    assert found.known == (usd[0] is not None)


def test_the_paper_s_bill() -> None:
    turbo = of("gpt-4-turbo")
    assert turbo.usd(5.1e6, 2.16e6) == pytest.approx(51 + 64.8)
    assert turbo.usd(5.1e6, 2.16e6, batched=True) == pytest.approx((51 + 64.8) / 2)
    assert "as of 20" in turbo.source and "check https://" in turbo.source


def test_every_shipped_entry_is_within_reach_and_has_its_image_rule() -> None:
    for entry in _shipped().models:
        plain = entry.models[0].replace("*", "x")
        found = of(plain, base_url="http://localhost:8000/v1")
        assert (found.usd_in, found.usd_out, found.thinks) == (entry.usd_in, entry.usd_out, entry.thinks)
        assert found.image == _shipped().images[entry.image]


@pytest.mark.parametrize("model", ["llava-v1.6-34b", "Qwen/Qwen2.5-VL-7B-Instruct", "gemma3:27b"])
def test_open_weights_cost_nothing_on_one_s_own_machines_only(model: str) -> None:
    for host in (
        "localhost:11434",
        "127.0.0.1:8000",
        "10.1.2.3",
        "192.168.0.7:1",
        "[::1]:80",
        "gpu-box",
        "a.lan",
    ):
        assert of(model, base_url=f"http://{host}/v1").usd(1e6, 1e6) == 0, host
    for host in ("openrouter.ai/api", "8.8.8.8", "gpu.university.example"):
        assert not of(model, base_url=f"https://{host}/v1").known, host
    assert prices_of(LmmSettings(model=model, transport="replay")).known, "nobody is asked"


def test_what_is_local_but_sold_elsewhere_has_its_price() -> None:
    """A proxy on this machine passes the bill on."""
    proxy = "http://localhost:4000/v1"
    assert of("gpt-4o", base_url=proxy).usd_in == 2.5
    assert not of("claude-sonnet", base_url=proxy).known


def test_the_stand_in_costs_nothing() -> None:
    assert prices_of(LmmSettings()).usd(1e9, 1e9) == 0
    assert of("g3-stand-in").usd(1e9, 1e9) == 0


def test_unknown_prices_name_the_remedy(own: Path) -> None:
    found = of("mystery", own)
    with pytest.raises(
        ValueError, match=r"'mystery' is unknown: add it to .*prices\.yaml.*price_in"
    ) as raised:
        found.usd(1, 1)
    assert str(own) in str(raised.value)
    assert "<G3_HOME>/prices.yaml" in of("mystery").source


def test_the_user_s_table_goes_first(own: Path) -> None:
    own.write_text(
        "as_of: 2030-01-01\n"
        "images: {mine: {kind: tiles, base: 7, tile: 0}}\n"
        "models:\n"
        "  - {models: ['gpt-4o*'], usd_in: 1, usd_out: 2, image: mine}\n"
        "  - {models: [mystery], usd_in: 3, usd_out: 4, batch: 0.25, image: gpt-4o-mini}\n"
    )
    ours, new = of("gpt-4o-mini", own), of("mystery", own)
    assert (ours.usd_in, ours.usd_out, ours.batch_factor, ours.image_tokens("high", None)) == (1, 2, 1, 7)
    assert ours.source == f"{own}, as of 2030-01-01"
    assert new.usd(1e6, 0, batched=True) == 0.75 and new.image_tokens("low", None) == 2833
    assert of("gpt-4-turbo", own) == of("gpt-4-turbo"), "the rest is as shipped"


def test_the_profile_goes_before_both(own: Path) -> None:
    own.write_text("models: [{models: [mystery], usd_in: 3, usd_out: 4}]")
    assert of("mystery", own, price_in=0.5, price_out=0).usd(1e6, 1e6) == 0.5
    half = of("gpt-4-turbo", price_in=1.0)
    assert (half.usd_in, half.usd_out, half.batch_factor) == (1, 30, 0.5)
    assert "price_in" in half.source
    assert not of("unheard-of", price_in=1.0).known and "unknown" in of("unheard-of", price_in=1.0).source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: [", "no YAML"),
        ("- 1", "found a list"),
        ("models: [{models: [a], usd_in: -1, usd_out: 2}]", r"models\.0\.usd_in"),
        ("models: [{models: [a], usd_in: .inf, usd_out: 2}]", r"models\.0\.usd_in"),
        ("models: [{models: [], usd_in: 1, usd_out: 2}]", r"models\.0\.models"),
        ("modells: []", "modells"),
        ("images: {a: {kind: circles}}", "images"),
        ("models: [{models: [a], usd_in: 1, usd_out: 2, image: none}]", "no image rule 'none'.*gpt-4o-mini"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(own: Path, text: str, words: str) -> None:
    own.write_text(text)
    with pytest.raises(PriceTableError, match=words) as raised:
        of("a", own)
    assert str(own) in str(raised.value)


def test_an_empty_table_changes_nothing(own: Path) -> None:
    own.write_text("# nothing yet\n")
    assert of("gpt-4o", own) == of("gpt-4o")


def test_prices_by_label() -> None:
    lmms = [
        LmmSettings(),
        LmmSettings(base_url=PUBLIC, model="gpt-4o", price_in=1, price_out=2),
        LmmSettings(base_url=PUBLIC, model="gpt-4o"),
        LmmSettings(base_url=PUBLIC, model="mystery"),
    ]
    assert known_prices(lmms) == {"stand-in": (0, 0), "gpt-4o": (1, 2)}


@pytest.mark.parametrize(
    ("model", "detail", "side", "tokens"),
    [
        ("gpt-4-turbo", "low", None, 85),
        ("gpt-4o", "high", 512, 85 + 170),
        ("gpt-4o", "high", 1024, 765),  # source: OpenAI's example
        ("gpt-4o", "high", None, 85 + 170 * 8),
        ("gpt-4o", "auto", 8192, 85 + 170 * 8),
        ("gpt-4o-mini", "low", 8192, 2833),
        ("gpt-4o-mini", "high", 1024, 2833 + 4 * 5667),
        ("gpt-5.4", "high", 1024, 1229),  # source: OpenAI's examples
        ("gpt-5.4", "high", 2048, 3000),
        ("gpt-5.5", "low", None, 308),
        ("gpt-4.1-mini", "low", 512, 415),
        ("gpt-4.1-mini", "auto", None, 6636),
        ("unheard-of", "low", None, 85),
    ],
)
def test_images(model: str, detail: str, side: int | None, tokens: int) -> None:
    assert of(model).image_tokens(detail, side) == tokens
