"""What an engine is built from: options of the owner and of cards, limits, and a folder."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from terrarium_server.validation import all_causes

from ._contract import Engine, Job, Refused


class EngineOptions(BaseModel):
    """What an owner may say of one kind of engine in ``terrarium.toml``; each kind adds its own fields.

    Fields without a default have to be given. Say in ``Field(description=…)`` what a field is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class CardOptions(BaseModel):
    """What a model's card may say under ``[options]``; each kind adds its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> Self:
        """Check a card's options. Raises ValueError, naming everything that is wrong."""
        try:
            return cls.model_validate(options)
        except ValidationError as error:
            causes = all_causes(error, known=cls.model_fields)
            raise ValueError(f"[options] of its card: {causes}") from error

    @classmethod
    def of_job(cls, job: Job) -> Self:
        """Check the options of a job's card. Raises Refused."""
        try:
            return cls.read(job.options)
        except ValueError as error:
            message = f"{job.model_id} cannot be used: {error}. The owner of this server must correct it."
            raise Refused("GENERATION_ENDPOINT_NOT_FOUND", message) from error


def _temporary() -> Path:
    return Path(tempfile.gettempdir())


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine is built from.

    ``name`` is what cards call it, ``processes`` bounds its model processes on this machine, ``options`` is
    an instance of its module's ``OPTIONS``, and ``key`` the provider's secret, read from the environment
    variable ``key_env`` that the owner named (None if none was named or it is not set). ``scratch`` is the
    folder for outputs that are files, on the disk that they will be kept on; it may have to be made.
    """

    name: str
    processes: int
    options: EngineOptions
    key: SecretStr | None = None
    key_env: str | None = None
    scratch: Path = field(default_factory=_temporary)


class Kind(Protocol):
    """The module ``engine`` of a kind's package.

    There is one engine for each ``[[engine]]`` in ``terrarium.toml``. A kind whose package says
    ``AUTOMATIC = True`` has one without that too, under the kind's name.
    """

    OPTIONS: type[EngineOptions]

    def build(self, setup: Setup) -> Engine:
        """Make an engine; start nothing that costs time or memory yet."""
        ...
