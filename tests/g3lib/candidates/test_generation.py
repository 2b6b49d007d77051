"""From references to the table of candidates; what is recorded is never asked again."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from pydantic import SecretStr
from small_queries import G3, KEY, SETTINGS, jpeg, logged, queries, references, run

from g3lib.candidates import generation
from g3lib.candidates.asking import Asked
from g3lib.candidates.generation import Query, generate
from g3lib.candidates.questions import LmmError
from g3lib.candidates.stand_in.protocol import MODEL
from g3lib.candidates.table import SCHEMA
from g3lib.experiments import experiment
from g3lib.experiments.lmm import LmmSettings

if TYPE_CHECKING:
    from conftest import Steered


def test_the_table(tmp_path: Path) -> None:
    frame = run(tmp_path)
    assert frame.schema == SCHEMA
    sources = ["retrieval"] + [f"prompt-{k}" for k in (0, 5, 10, 15) for _ in range(2)]
    assert frame["source"].to_list() == sources * 3
    assert frame["photo_id"].unique(maintain_order=True).to_list() == ["q0", "q1", "q2"]
    assert frame["rank"].to_list() == [0, 0, 1, 0, 1, 0, 1, 0, 1] * 3
    retrieved = frame.filter(source="retrieval")
    assert retrieved.select("lat", "lon").rows() == [(10.0, 20.0), (10.0, 20.01), (10.0, 20.02)]
    assert retrieved["lmm"].null_count() == retrieved["request_key"].null_count() == 3
    asked = frame.filter(pl.col("source") != "retrieval")
    assert set(asked["lmm"]) == {"stand-in"}
    assert asked["request_key"].n_unique() == 12
    assert (asked.filter(rank=0)["tokens_in"] > 0).all()
    assert asked.filter(rank=1)["tokens_in"].sum() == 0
    rag = asked.filter(pl.col("source") != "prompt-0")
    assert rag["failure"].null_count() == rag.height
    assert ((rag["lat"] - 10).abs() < 1).all()
    assert ((rag["lon"] - 20).abs() < 1).all()


def test_two_runs_are_identical_and_the_second_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(tmp_path)
    assert run(tmp_path / "elsewhere").equals(first)
    monkeypatch.delattr(generation, "running_stand_in")  # a start would be a NameError
    assert run(tmp_path).equals(first)


def test_experiments_share_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    before = logged(tmp_path)
    monkeypatch.delattr(generation, "running_stand_in")
    alike = replace(experiment("g3-without-diversification"), answers=2)
    assert run(tmp_path, what=alike).height == 3 * 2
    assert logged(tmp_path) == before


def test_photos_of_equal_bytes_are_paid_once(tmp_path: Path) -> None:
    twins = [Query("q0", lambda: jpeg("same")), Query("q1", lambda: jpeg("same"))]
    what = replace(experiment("lmm-only"), answers=1)
    frame = generate(twins, references(0), what, "b", SETTINGS, tmp_path)
    assert frame.height == 2
    assert logged(tmp_path) == 1


def test_without_prompts_nothing_is_asked(tmp_path: Path) -> None:
    frame = run(tmp_path, what=experiment("nn-clip"))
    assert frame["source"].to_list() == ["retrieval"] * 3
    assert not list(tmp_path.iterdir())


def test_too_few_references_fail_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'q0' has 12 similar references, 15 are needed"):
        generate(queries(2), references(2, depth=12), G3, "b", SETTINGS, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("refusal", "refusal"),
        ("filtered", "content filter"),
        ("content-filter", "refused by the endpoint: content_filter"),
        ("long", "too long"),
        ("latitude-95", "out of range"),
        ("nan", "not finite"),
        ("length", "cut off"),
        ("other-keys", None),
        ("instructions", None),
    ],
)
def test_strange_answers_are_failures_with_reason_and_text_or_read_aright(
    fault: str, failure: str | None, tmp_path: Path, steered: "Steered"
) -> None:
    well = generate(queries(2), references(2), G3, "b", endpoint(steered, structured="never"), tmp_path / "w")
    steered.tell(faults=[fault])
    frame = generate(
        queries(2), references(2), G3, "b", endpoint(steered, structured="never"), tmp_path / "i"
    )
    asked = frame.filter(pl.col("source") != "retrieval")
    if failure is None:
        assert asked["failure"].null_count() == asked.height
        assert asked["answer"].null_count() == asked.height
        usual = well.filter(pl.col("source") != "retrieval")
        expected = usual if fault == "instructions" else pl.DataFrame({"lat": [48.8566], "lon": [2.3522]})
        assert set(asked.select("lat", "lon").rows()) == set(expected.select("lat", "lon").rows())
    else:
        assert set(asked["failure"]) == {failure}
        assert asked["lat"].null_count() == asked["lon"].null_count() == asked.height
        texts = asked["answer"].drop_nulls()
        assert texts.len() == (0 if fault == "content-filter" else asked.height)
        assert texts.str.len_chars().max() in (None, *range(1001))


def endpoint(steered: "Steered", **more: Any) -> LmmSettings:
    """The steered stand-in as an endpoint of one's own."""
    settings = LmmSettings(
        base_url=steered.base_url, model=MODEL, api_key=SecretStr(KEY), backoff_seconds=0.05
    )
    return settings.model_copy(update=more)


def test_the_answers_are_a_sequence_of_which_experiments_take_the_first(
    tmp_path: Path, steered: "Steered"
) -> None:
    settings = endpoint(steered)
    nine = replace(G3, answers=9)
    all_at_once = generate(queries(2), references(2), nine, "b", settings, tmp_path / "one")
    steered.http.delete("/stand-in/ledger")
    for answers in (1, 3, 9):
        frame = generate(
            queries(2), references(2), replace(G3, answers=answers), "b", settings, tmp_path / "two"
        )
        expected = all_at_once.filter((pl.col("rank") < answers) | (pl.col("source") == "retrieval"))
        assert frame.drop("tokens_in", "tokens_out").equals(expected.drop("tokens_in", "tokens_out"))
    assert steered.ledger()["choices"] == 2 * 4 * 9  # nothing twice
    assert logged(tmp_path / "two") == 3 * 2 * 4


def test_what_others_will_want_is_fetched_at_once(tmp_path: Path, steered: "Steered") -> None:
    settings, wanted = endpoint(steered), {prompt.source: 9 for prompt in G3.prompts}
    generate(queries(2), references(2), G3, "b", settings, tmp_path, at_once=wanted)
    nine = generate(queries(2), references(2), replace(G3, answers=9), "b", settings, tmp_path)
    assert nine.height == 2 * (1 + 4 * 9)
    assert steered.ledger()["received"] == 2 * 4


def test_only_what_a_new_prompt_changes_is_asked(tmp_path: Path, steered: "Steered") -> None:
    settings = endpoint(steered)
    generate(queries(3), references(3), G3, "b", settings, tmp_path)
    steered.http.delete("/stand-in/ledger")
    other = replace(G3, prompts=(*G3.prompts[:3], replace(G3.prompts[3], similar=14)))
    generate(queries(3), references(3), other, "b", settings, tmp_path)
    assert steered.ledger()["answered"] == 3


def test_the_pool_of_the_released_code_repeats_its_retrieved_candidate(tmp_path: Path) -> None:
    frame = run(tmp_path, what=replace(experiment("g3-official-pool"), answers=2))
    assert frame.height == 3 * (5 + 4 * 2)
    retrieved = frame.filter(source="retrieval", photo_id="q1")
    assert retrieved["rank"].to_list() == [0, 1, 2, 3, 4]
    assert retrieved.select("lat", "lon").unique().rows() == [(10.0, 20.01)]


def test_places_are_named_in_prompts_and_answers(tmp_path: Path, steered: "Steered") -> None:
    what = replace(experiment("g3-place-name"), answers=2, reference_places=True)
    frame = generate(queries(2), references(2), what, "b", endpoint(steered), tmp_path)
    asked = frame.filter(pl.col("source") != "retrieval")
    assert asked["failure"].null_count() == asked.height
    text = (next(tmp_path.glob("*/b.jsonl"))).read_text()
    assert "country" in text
    assert "Salamat, Chad" in text  # where the similar references are


def test_an_image_is_shown_as_the_settings_say(tmp_path: Path, steered: "Steered") -> None:
    settings = LmmSettings(
        base_url=steered.base_url, model=MODEL, api_key=SecretStr(KEY), image={"detail": "high"}
    )  # type: ignore[arg-type]
    generate(queries(1), references(1), G3, "b", settings, tmp_path)
    assert '"detail": "high"' in next(tmp_path.glob("*/b.jsonl")).read_text()


def test_the_tokens_of_the_rows_are_those_of_the_requests(tmp_path: Path) -> None:
    heard: list[Asked] = []
    frame = generate(
        queries(3), references(3), G3, "b", SETTINGS, tmp_path, watch=generation.Watch(after=heard.append)
    )
    (asked,) = heard
    assert (frame["tokens_in"].sum(), frame["tokens_out"].sum()) == (asked.tokens_in, asked.tokens_out)
    assert (asked.requests, asked.answers) == (12, 24)


def test_replay_needs_neither_key_nor_network(tmp_path: Path, steered: "Steered") -> None:
    asked = generate(queries(2), references(2), G3, "b", endpoint(steered), tmp_path)
    offline = LmmSettings(model=MODEL, transport="replay")
    assert generate(queries(2), references(2), G3, "b", offline, tmp_path).equals(asked)
    with pytest.raises(LmmError, match="transport `replay` asks nobody") as caught:
        generate(queries(3), references(3), G3, "b", offline, tmp_path)
    assert caught.value.kind == "not-recorded"


def test_a_real_endpoint_needs_a_key_which_stays_secret(tmp_path: Path, stand_in: str) -> None:
    settings = LmmSettings(base_url=stand_in, model=MODEL)
    with pytest.raises(LmmError, match="set G3_LMM_API_KEY") as caught:
        generate(queries(1), references(1), G3, "b", settings, tmp_path)
    assert caught.value.kind == "no-key"
    with_key = settings.model_copy(update={"api_key": SecretStr(KEY)})
    frame = generate(queries(1), references(1), G3, "b", with_key, tmp_path)
    assert frame["lmm"].drop_nulls().unique().to_list() == [MODEL]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)
