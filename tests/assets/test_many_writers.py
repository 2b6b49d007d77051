"""Eight processes make and publish at once while one reads, and two are killed: nothing is lost, nothing half there."""

from pathlib import Path

import many_writers as many

from g3lib.store.files import sweep_scratch
from g3lib.store.warehouse import query

FOUND = "select experiment, count(*) from results.prediction group by 1 order by 1"


def test_eight_processes_two_of_them_killed(homes: Path) -> None:
    root = homes / "many-writers"
    home = many.prepared(root)
    reader = many.start_reader(home, pause=0.05)
    works = [many.Work(root, number, 1, publish_every=int(number < 2)) for number in range(6)]
    in_its_table = many.Work(root, 6, 1, dies_in="table")
    while_publishing = many.Work(root, 7, 1, publish_every=1, dies_in="publication")
    processes = [many.start(many.write, work) for work in (*works, in_its_table, while_publishing)]
    for process in processes:
        process.join(250)
    assert [process.exitcode for process in processes] == [0] * 6 + [-9, -9]
    last = many.start(many.publish, home.root)
    last.join(100)
    assert last.exitcode == 0

    whole = [name.split("|")[1] for work in (*works, while_publishing) for name in work.names]
    assert query(home, FOUND).rows() == [(name, many.ROWS) for name in sorted(whole)]
    seen = many.stop_reader(home, reader)
    assert seen.partitions == sorted(seen.partitions) and seen.partitions[-1] == len(whole)
    assert [path.name for path in home.root.glob(".*")] == []
    assert sweep_scratch(home.root / "tables") == 2  # as the next `g3 run` does: the table and its folder
