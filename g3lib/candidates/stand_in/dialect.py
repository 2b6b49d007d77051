"""What the served API understands: which models, and which parameters it refuses or ignores.

LMMs that speak OpenAI's protocol differ in this. Whether a parameter's value makes sense is
reading.py's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from g3lib.candidates.stand_in.errors import ApiError, no_such_model

MODEL = "g3-stand-in"
PARTS = ("n", "response_format", "seed", "max_tokens", "temperature", "detail", "batches")

_LEARN_MORE = (
    "Learn more about supported models at the Structured Outputs guide: "
    "https://platform.openai.com/docs/guides/structured-outputs"
)


@dataclass(frozen=True)
class Dialect:
    """The models served, and the parts of the API that are missing: of PARTS.

    Without `n` there is one answer whatever is asked for; without the others, asking is an error,
    in the words of OpenAI's API. Its models without `temperature` accept 1.
    """

    models: tuple[str, ...] = (MODEL,)
    without: frozenset[str] = frozenset()

    def check(self, request: Mapping[str, Any]) -> None:
        """ApiError for a request that asks for a model or a parameter that there is not."""
        model = request["model"]
        if model not in self.models:
            raise no_such_model(str(model)[:100])
        for name in ("seed", "max_tokens", "temperature", "response_format"):
            if name in self.without and request.get(name) is not None:
                self._refuse(name, request[name])

    def check_image(self, image: Mapping[str, Any], where: str) -> None:
        """ApiError for an image_url that has what there is not."""
        if "detail" in self.without and image.get("detail") is not None:
            name = f"{where}.detail"
            raise ApiError(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)

    def _refuse(self, name: str, value: Any) -> None:
        if name == "response_format":
            message = (
                f"Invalid parameter: '{name}' of type '{_kind(value)}' is not supported with this model."
            )
            raise ApiError(f"{message} {_LEARN_MORE}.", param=name)
        if name == "temperature":
            if value == 1:
                return
            message = (
                f"Unsupported value: '{name}' does not support {str(value)[:20]} with this model. "
                "Only the default (1) value is supported."
            )
            raise ApiError(message, code="unsupported_value", param=name)
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
        raise ApiError(message + instead, code="unsupported_parameter", param=name)


def _kind(response_format: Any) -> str:
    return str(response_format.get("type") if isinstance(response_format, dict) else response_format)[:40]
