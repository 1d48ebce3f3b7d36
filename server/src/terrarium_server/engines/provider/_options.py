"""What an owner may say about any provider under ``[[engine]]``."""

from typing import Annotated

from pydantic import Field

from terrarium_server.engines.setup import EngineOptions

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$")]


class ProviderOptions(EngineOptions):
    """The options of every provider's engine; a kind with a usual address gives ``url`` a default."""

    url: BaseUrl = Field(description="The root of the provider's API.")
    timeout_seconds: float = Field(
        default=600.0,
        gt=0,
        le=7200,
        description="How long to wait for the answer to a call that makes something.",
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="An HTTP proxy; those of the environment are not used.",
    )
