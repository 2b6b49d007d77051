"""From a number up its records: what is made again, what is taken over, and what is lacking."""

import pytest
from recorded_home import (
    ACCURACY,
    BENCHMARK,
    CANDIDATES,
    FEATURES,
    GALLERY,
    HEADS,
    INDEX,
    POOL,
    PREDICTIONS,
    QUERIES,
    REFERENCES,
    SCORED,
    UPSTREAM,
    make,
    put,
)

from assets.steps import STEPS
from g3lib.store import Home, Key
from pipelines.repeating import NotNamed, NotRepeatable
from pipelines.repeating.recorded import Split, find, split


def found(home: Home, beginning: str) -> Split:
    return split(find(home, BENCHMARK, "g3"), beginning, STEPS)


def test_everything_upstream_is_found_once(home: Home) -> None:
    made = make(home)
    put(home, Key("photos", "other-000000"), (), made)
    recorded = find(home, BENCHMARK, "g3")
    assert recorded.key == ACCURACY and set(recorded.made) == set(UPSTREAM)
    assert all(recorded.made[key].record == made[key] for key in UPSTREAM)


# where to begin: what is made again, in this order
BEGINNINGS = {
    "accuracy": (ACCURACY,),
    "predictions": (PREDICTIONS, ACCURACY),
    "candidates": (CANDIDATES, SCORED, PREDICTIONS, ACCURACY),
    "references": (POOL, REFERENCES, CANDIDATES, SCORED, PREDICTIONS, ACCURACY),
    "alignment": (HEADS, INDEX, POOL, REFERENCES, CANDIDATES, SCORED, PREDICTIONS, ACCURACY),
    "encoder": (FEATURES, HEADS, INDEX, POOL, REFERENCES, CANDIDATES, SCORED, PREDICTIONS, ACCURACY),
    "metadata": (
        *(GALLERY, QUERIES, FEATURES, HEADS, INDEX, POOL, REFERENCES, CANDIDATES, SCORED),
        *(PREDICTIONS, ACCURACY),
    ),
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_what_is_as_deep_as_the_beginning_is_made_again(home: Home, beginning: str) -> None:
    make(home)
    parts = found(home, beginning)
    assert parts.again == BEGINNINGS[beginning]
    assert set(parts.kept) == set(UPSTREAM) - set(parts.again)
    read = {each for key in parts.again for each in UPSTREAM[key]} - set(parts.again)
    assert {Key(*each[:2]) for each in parts.needed} == read


def test_what_was_not_measured_is_named_with_what_was(home: Home) -> None:
    with pytest.raises(NotNamed, match="g3 run"):
        find(home, BENCHMARK, "g3")
    make(home)
    with pytest.raises(NotNamed, match=rf"{BENCHMARK} g4 .*{BENCHMARK} g3"):
        find(home, BENCHMARK, "g4")


@pytest.mark.parametrize("beginning", ["photo_census", "warehouse", "", "referenzes"])
def test_a_beginning_that_does_not_lead_there(home: Home, beginning: str) -> None:
    make(home)
    with pytest.raises(NotNamed, match=r"alignment, .*gallery_index, pool_choice, references, candidates"):
        found(home, beginning)


def test_what_was_made_anew_since_is_named(home: Home) -> None:
    made = make(home)
    put(home, HEADS, (made[GALLERY],), made, content="trained again")
    with pytest.raises(NotRepeatable, match=r"alignment\[image-gps-text\].*made anew since.*g3 run"):
        found(home, "references")
    with pytest.raises(NotRepeatable, match=r"alignment\[image-gps-text\]"):
        found(home, "photos")
    assert found(home, "predictions").again == (PREDICTIONS, ACCURACY), "which never reads them"


def test_a_step_between_that_is_gone_is_named(home: Home) -> None:
    make(home)
    home.table(CANDIDATES).unlink()
    with pytest.raises(NotRepeatable, match=r"candidates\[queries\|g3\]"):
        found(home, "references")


def test_files_that_are_gone_are_named_if_they_are_read(home: Home) -> None:
    make(home)
    home.shard("gallery", 0).unlink()  # to have the disk back; no step from candidates on reads it
    assert GALLERY in found(home, "candidates").kept
    home.shard(BENCHMARK, 0).write_text("shorter")
    with pytest.raises(NotRepeatable, match=rf"photos\[{BENCHMARK}-000000\].*is not what"):
        found(home, "candidates")
    home.shard(BENCHMARK, 0).unlink()
    with pytest.raises(NotRepeatable, match=rf"images/{BENCHMARK}/shard-000000\.tar in {home.root}"):
        found(home, "candidates")
