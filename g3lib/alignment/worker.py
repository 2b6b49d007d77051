"""One process of a training on several devices: `python -m torch.distributed.run … -m g3lib.alignment.worker ORDER`.

`g3lib.alignment.launching` starts it; on a cluster, torchrun may on every machine.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from g3lib.alignment.distributed import joined
from g3lib.alignment.launching import LIFELINE
from g3lib.alignment.model import save_alignment
from g3lib.alignment.orders import Order
from g3lib.alignment.training import TrainingDiverged, train


def main(order: Order) -> int:
    """Train this process's share; the leading process tells of it and saves the heads. The exit status."""
    with joined(order.device) as (ranks, device), Path(order.lines).open("a", encoding="utf-8") as lines:

        def tell(**facts: Any) -> None:
            if ranks.leads:
                lines.write(json.dumps(facts) + "\n")
                lines.flush()

        try:
            trained = train(
                order.data(),
                order.checked_settings(),
                order.with_text,
                lambda epoch, metrics: tell(epoch=epoch, metrics=metrics),
                device=device,
                resume=Path(order.resume) if order.resume else None,
                location_weights=Path(order.location_weights) if order.location_weights else None,
                remark=lambda text: tell(remark=text),
                ranks=ranks,
            )
        except TrainingDiverged as diverged:
            tell(diverged=str(diverged))
            return 1
        if ranks.leads:
            save_alignment(trained.model, Path(order.model))
            tell(
                resumed=trained.resumed,
                photos_per_second=trained.photos_per_second,
                remarks=trained.remarks,
            )
    return 0


def end_with_the_starter(leave: Callable[[int], None] = os._exit) -> None:
    """End this process when the one that started it all is gone, however it went: its pipe then closes."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        leave(1)

    Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    if LIFELINE in os.environ:
        end_with_the_starter()
    sys.exit(main(Order.load(Path(sys.argv[1]))))
