"""Queries, references and settings for tests that generate candidates."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from g3lib.candidates.generation import Query, generate
from g3lib.candidates.questions import Question
from g3lib.experiments import Experiment, experiment
from g3lib.experiments.lmm import LmmSettings

QUESTION = Question(
    photo_id="p",
    source="prompt-0",
    text="Where?",
    image_sha256="ab12",
    model="m",
    label="l",
    n=3,
    temperature=1.0,
    seed=0,
    max_tokens=200,
)
KEY = "sk-very-secret-0123456789"
SETTINGS = LmmSettings(concurrency=8)
G3 = replace(experiment("g3"), answers=2, retrieved=1)


def jpeg(photo_id: str) -> bytes:
    """Bytes that pass for a photo."""
    return b"\xff\xd8\xff\xe0" + hashlib.sha512(photo_id.encode()).digest()


def queries(count: int) -> list[Query]:
    """Photos q0, q1 …"""
    return [Query(f"q{index}", partial(jpeg, f"q{index}")) for index in range(count)]


def references(count: int, depth: int = 15) -> pl.DataFrame:
    """Similar references around (10, 20), dissimilar ones around (-30, 100), in shuffled rows."""
    rows = [
        (f"q{index}", kind, rank, "r", lat + rank / 100, lon + index / 100, 1.0 - rank / 100)
        for index in range(count)
        for kind, lat, lon in (("similar", 10.0, 20.0), ("dissimilar", -30.0, 100.0))
        for rank in range(depth)
    ]
    names = ["photo_id", "kind", "rank", "reference_id", "lat", "lon", "similarity"]
    return pl.DataFrame(rows, schema=names, orient="row").sample(fraction=1.0, shuffle=True, seed=1)


def run(folder: Path, count: int = 3, what: Experiment = G3) -> pl.DataFrame:
    """Generate with the stand-in."""
    return generate(queries(count), references(count), what, "b", SETTINGS, folder)


def logged(folder: Path) -> int:
    """How many answers are on the disk."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/b.jsonl"))
