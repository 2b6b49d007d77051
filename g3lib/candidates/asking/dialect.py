"""What an endpoint has been found not to take, and how the same question is put to it then.

Nothing is looked up by name: servers change. The first refusal teaches, and costs nothing.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

# temperature is not among them: without it the answers would be those of another experiment
OPTIONAL = ("response_format", "seed", "n", "max_tokens", "detail")
_NAMED = re.compile(r"\b(response_format|json_schema|seed|max_tokens|detail)\b|['\"`](n)['\"`]")
SINGLE_REPLIES = 2  # replies with one answer instead of several, before several are no longer asked for


@dataclass
class Dialect:
    """How to speak to one endpoint; learns while it is used."""

    refused: set[str] = field(default_factory=set)
    _gave_several: bool = False
    _gave_one: int = 0

    @property
    def one_at_a_time(self) -> bool:
        """Whether each answer needs a request of its own."""
        return "n" in self.refused

    def spoken(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A request's body as this endpoint takes it."""
        spoken = {name: value for name, value in body.items() if name not in self.refused}
        if "max_tokens" in self.refused and "max_tokens" in body:
            spoken["max_completion_tokens"] = body["max_tokens"]
        if "detail" in self.refused:
            spoken["messages"] = [_without_detail(message) for message in body["messages"]]
        return spoken

    def learn(self, said: Any, message: str) -> bool:
        """Whether a refusal (the error's body and text) is of something that can be left out; then it will be."""
        parameter = str(said.get("param") or "") if isinstance(said, Mapping) else ""
        named = parameter.partition(".")[0]
        if named not in OPTIONAL:
            found = _NAMED.search(message)
            named = (found[1] or found[2]) if found else ""
        named = "response_format" if named == "json_schema" else named
        if named not in OPTIONAL:
            return False
        if named not in self.refused:
            log.info("the endpoint does not take %r; going on without", named)
        self.refused.add(named)
        return True

    def counted(self, wanted: int, received: int) -> None:
        """Notice an endpoint that ignores `n` and always gives one answer."""
        if wanted > 1:
            self._gave_several |= received > 1
            self._gave_one += received == 1
            if not self._gave_several and self._gave_one >= SINGLE_REPLIES and not self.one_at_a_time:
                log.info("the endpoint gives one answer at a time; asking for each on its own")
                self.refused.add("n")


def _without_detail(message: Mapping[str, Any]) -> dict[str, Any]:
    parts = [
        part | {"image_url": {"url": part["image_url"]["url"]}} if part["type"] == "image_url" else part
        for part in message["content"]
    ]
    return {**message, "content": parts}
