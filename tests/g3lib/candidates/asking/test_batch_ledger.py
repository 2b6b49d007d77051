"""What was handed in is known after any kill."""

from pathlib import Path

from g3lib.candidates.asking.batch_ledger import BatchLedger, Handed


def test_what_is_not_collected_is_outstanding(tmp_path: Path) -> None:
    ledger = BatchLedger(tmp_path / "b.batches")
    assert ledger.outstanding() == []
    for name in ("one", "two", "three"):
        ledger.submitting(name, [f"{name}-request"])
    ledger.submitted("one", "batch-1")
    ledger.submitted("two", "batch-2")
    ledger.collected("one")
    assert BatchLedger(ledger.path).outstanding() == [
        Handed("two", ("two-request",), "batch-2"),
        Handed("three", ("three-request",), None),
    ]


def test_a_line_torn_by_a_kill_spoils_no_other(tmp_path: Path) -> None:
    ledger = BatchLedger(tmp_path / "b.batches")
    ledger.submitting("one", ["a"])
    with ledger.path.open("ab") as handle:
        handle.write(b'{"event": "submitted", "name": "one", "batch_')
    ledger.submitting("two", ["b"])
    assert [handed.name for handed in ledger.outstanding()] == ["one", "two"]


def test_the_same_requests_handed_in_again_after_they_failed(tmp_path: Path) -> None:
    ledger = BatchLedger(tmp_path / "b.batches")
    for _ in range(2):
        ledger.submitting("one", ["a"])
        ledger.collected("one")
    ledger.submitting("one", ["a"])
    assert [handed.name for handed in ledger.outstanding()] == ["one"]
