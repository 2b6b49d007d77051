"""What chat requests and lines of batches share: the behaviour in force, the ledger, completions."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from g3lib.candidates.stand_in.behaviour import Behaviour
from g3lib.candidates.stand_in.faults import Fault, befalling, uniform
from g3lib.candidates.stand_in.ledger import Ledger
from g3lib.candidates.stand_in.limits import Limits
from g3lib.candidates.stand_in.protocol import Chat, completion
from g3lib.candidates.stand_in.spoiling import spoiled

# places are named beside the loop: loading the gazetteer takes a second, and others want answers
_NAMING = ThreadPoolExecutor(1, "naming")


@dataclass
class Service:
    """One stand-in; nothing of it knows HTTP."""

    behaviour: Behaviour
    ledger: Ledger = field(default_factory=Ledger)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = Limits(self.behaviour.capacity, self.behaviour.per_second)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change the behaviour from the next request on; ValueError if the changes make no sense."""
        self.behaviour = self.behaviour.changed(changes)
        if not {"capacity", "per_second"}.isdisjoint(changes):
            self.limits = Limits(self.behaviour.capacity, self.behaviour.per_second)

    def read(self, request: dict[str, Any]) -> tuple[Chat, int]:
        """Check a request; with it, how often it has come by now."""
        chat = Chat.read(request, self.behaviour.dialect)
        return chat, self.ledger.attempt(chat.digest)

    def befalling(self, chat: Chat, attempt: int) -> Fault | None:
        """The fault that befalls a request, if any; it is not noted yet."""
        return befalling(self.behaviour.faults, self.behaviour.seed, chat.digest, attempt)

    async def completed(self, chat: Chat, fault: Fault | None) -> dict[str, Any]:
        """The completion, spoiled if the fault is about answers."""
        if chat.form.names_place:
            body = await asyncio.get_running_loop().run_in_executor(_NAMING, completion, chat)
        else:
            body = completion(chat)
        if fault is None or fault.kind != "answer":
            return body
        return spoiled(body, fault, uniform("left", self.behaviour.seed, chat.digest))
