"""What few profiles ask for, in a home that has the rest: other projections, captions, and official references."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tiny import BENCHMARK, QUERIES, TinyHome

from g3lib.store import Key
from g3lib.store.warehouse import query


@pytest.fixture(scope="module")
def variants(richer: TinyHome) -> TinyHome:
    return richer


def test_heads_of_their_own_are_trained_and_searched(variants: TinyHome) -> None:
    records = variants.records()
    for heads, captions in (
        ("image-gps-text-equal-earth", "caption"),
        ("image-gps-text-neighbourhood", "caption_neighbourhood"),
    ):
        record = records[Key("alignment", heads)]
        assert ("text_features", captions) in {each[:2] for each in record.inputs}
        assert record.config["projection"] == ("equal-earth" if "earth" in heads else "mercator")
        assert Key("gallery_index", heads) in records


def test_table_3_has_a_row_for_each_embedding_and_policy(variants: TinyHome) -> None:
    rows = query(variants.home, "select gallery, policy, top, queries from results.table_3")
    found = set(rows.select("gallery", "policy", "top").rows())
    policies = ("open", "other-authors", "other-authors-no-duplicates")
    for top in (5, 10, 15):
        for gallery in ("image-gps-text-equal-earth", "image-gps-text-neighbourhood"):
            assert {(gallery, policy, top) for policy in policies} <= found
        assert ("official", "open", top) in found
    measured = rows["queries"].drop_nulls()  # the published rows are there too
    assert measured.unique().to_list() == [QUERIES] and measured.len() > 0


def test_official_references_are_shown_to_the_lmm(variants: TinyHome) -> None:
    table = pl.read_parquet(variants.home.table(Key("references", f"{BENCHMARK}|official")))
    first = table.filter(kind="similar", rank=0)
    rows = np.load(variants.root / "incoming" / f"I_g3_{BENCHMARK}.npy")[:, 0]
    assert first["lat"].to_list() == [row - 25.0 for row in rows]
    assert table["policy"].unique().to_list() == ["open"] and table["similarity"].null_count() == table.height
    predicted = query(
        variants.home,
        "select count(*) from results.prediction where experiment = 'g3-official-references' and lat is not null",
    )
    assert predicted.item() > 0


def test_a_replaced_array_makes_its_references_out_of_date(richer: TinyHome, homes: Path) -> None:
    variants = richer.copy_to(homes / "replaced")
    workflow = variants.workflow()
    key = f"{BENCHMARK}|official"
    assert workflow.pending(workflow.steps["references"]) == []
    path = variants.root / "incoming" / f"I_g3_{BENCHMARK}.npy"
    np.save(path, np.load(path)[:, ::-1])
    assert workflow.pending(workflow.steps["references"]) == [key]
    np.save(path, np.load(path)[:-1])
    failed = variants.g3("run", "demo")
    assert failed.returncode == 1 and f"{QUERIES} queries need {(QUERIES, 20)}" in failed.stderr
