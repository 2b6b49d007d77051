"""The stand-in's command line; what the options mean is behaviour.py's business."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from g3lib.candidates.stand_in.behaviour import Behaviour, optional_count, optional_rate
from g3lib.candidates.stand_in.dialect import MODEL, PARTS, Dialect
from g3lib.candidates.stand_in.faults import NAMES, Fault, seconds, several, share


def behaviour_and_port(arguments: Sequence[str] | None = None) -> tuple[Behaviour, int]:
    """What the command line asks for; exits with a message if it makes no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return _behaviour(given), given.port
    except ValueError as error:
        parser.error(str(error))


def _behaviour(given: Namespace) -> Behaviour:
    dialect = Dialect(tuple(given.model or [MODEL]), frozenset(given.without))
    return Behaviour(
        dialect=dialect,
        key=given.key,
        latency=given.latency,
        faults=several([str(fault) for fault in given.fault]),
        seed=given.seed,
        capacity=given.capacity,
        per_second=given.per_second,
        batch_seconds=given.batch_seconds,
        batch_error=given.batch_error,
        batch_expire=given.batch_expire,
        batch_fail=given.batch_fail,
    )


def _parser() -> ArgumentParser:
    """All options; docstrings of Behaviour and Dialect tell more."""
    about = "Serve the stand-in LMM on 127.0.0.1 until stdin closes; prints its base URL."
    parser = ArgumentParser(prog="python -m g3lib.candidates.stand_in", description=about)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--model", action="append", metavar="NAME", help=f"a model to serve, repeatable ({MODEL})")
    add("--key", help="the API key that requests must carry")
    add("--without", action="append", choices=PARTS, default=[], help="what the API lacks, repeatable")
    add("--latency", type=_told(seconds), default=0.0, metavar="SECONDS", help="before each answer")
    add("--seed", type=int, default=0, help="of the draws that decide whom a fault befalls")
    several_help = f"a fault and its share of the requests, repeatable: {NAMES}"
    add(
        "--fault",
        type=_told(Fault.parse),
        action="append",
        default=[],
        metavar="NAME[:RATE]",
        help=several_help,
    )
    add("--capacity", type=_told(optional_count), metavar="K", help="more requests at once get 429")
    add("--per-second", type=_told(optional_rate), metavar="R", help="more requests get 429")
    add("--batch-seconds", type=_told(seconds), default=0.2, metavar="S", help="how long a batch takes")
    add("--batch-error", type=_told(share), default=0.0, metavar="RATE", help="lines that get a 500")
    add("--batch-expire", type=_told(share), default=0.0, metavar="RATE", help="lines left unanswered")
    add("--batch-fail", action="store_true", help="validation of every batch fails")
    return parser


def _told(convert: Callable[[Any], Any]) -> Callable[[str], Any]:
    """`convert`, whose ValueError argparse shows."""

    def converted(text: str) -> Any:
        try:
            return convert(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return converted
