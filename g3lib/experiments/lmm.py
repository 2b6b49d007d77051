"""How an LMM is reached and what it may cost: one section of a profile for each.

What is asked of it is the experiment's business. Here stands what determines an answer beside the question
(model, image, structured output) and what does not (pace, patience, prices, budget).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from g3lib.experiments.datasets import Positive, Section

STAND_IN = "stand-in"
Amount = Annotated[float, Field(ge=0)]


class ImageSettings(Section):
    """What the LMM sees of a photo: `detail` is OpenAI's word; `longest_side` in pixels, None as stored."""

    detail: Literal["low", "high", "auto"] = "low"  # source: official code
    longest_side: Annotated[int, Field(ge=64, le=8192)] | None = None


class BudgetSettings(Section):
    """Hard limits on what this LMM is asked in one home, earlier runs included; None is no limit."""

    requests: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None  # in and out
    usd: Amount | None = None


class LmmSettings(Section):
    """An OpenAI-compatible endpoint; without a base URL and model, the stand-in answers.

    transport: `direct` asks one by one, `batch` hands the same requests to the Batch API, `replay` asks nobody:
    only what is recorded answers.
    """

    base_url: str | None = None
    model: str | None = None
    transport: Literal["direct", "batch", "replay"] = "direct"
    structured: Literal["auto", "never"] = "auto"  # JSON schema output where the endpoint takes it
    image: ImageSettings = ImageSettings()
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None  # instead of the experiment's
    max_tokens: Positive | None = None  # likewise; models that think aloud need more
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 16  # at most; less when the endpoint complains
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0  # for one try
    deadline_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600.0  # for one question, all its tries
    max_retries: Annotated[int, Field(ge=0, le=100)] = 8
    backoff_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5  # before the first retry, then doubled
    # with an endpoint that fails throughout
    patience_seconds: Annotated[float, Field(ge=0, le=86_400)] = 120.0
    batch_poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    budget: BudgetSettings = BudgetSettings()
    price_in: Amount | None = None  # USD per million tokens, instead of the price table's
    price_out: Amount | None = None
    seconds_per_request: Annotated[float, Field(gt=0)] = 5.0  # presumed, until answers are recorded
    api_key: SecretStr | None = Field(default=None, exclude=True)

    @property
    def is_stand_in(self) -> bool:
        """Whether no real LMM is configured."""
        return self.model is None

    @property
    def label(self) -> str:
        """What tables say of the LMM."""
        return self.model or STAND_IN

    def determinants(self) -> dict[str, Any]:
        """What determines the answers, as JSON values for lineage."""
        determining = {"structured", "image", "temperature", "max_tokens"}
        return {"label": self.label} | self.model_dump(mode="json", include=determining)

    @model_validator(mode="after")
    def _model_with_endpoint(self) -> "LmmSettings":
        if self.transport == "replay" and self.base_url is None:
            return self
        if (self.base_url is None) != (self.model is None):
            have, lack = ("base_url", "model")
            if self.base_url is None:
                have, lack = lack, have
            raise ValueError(
                f"{have} is set but {lack} is not (G3_LMM_BASE_URL, G3_LMM_MODEL); set both, or neither for the "
                "stand-in; a model alone will do with transport: replay"
            )
        return self
