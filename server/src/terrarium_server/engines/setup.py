import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from ._contract import Engine


class EngineOptions(BaseModel):
    """What an owner may say of one kind of engine in ``terrarium.toml``; each kind adds its own fields.

    Fields without a default have to be given. Say in ``Field(description=…)`` what a field is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def _temporary() -> Path:
    return Path(tempfile.gettempdir())


@dataclass(frozen=True, slots=True)
class Setup:
    """What an engine is built from.

    ``name`` is what cards call it, ``processes`` bounds its local model processes, ``options`` is an
    instance of its module's ``OPTIONS``, and ``key`` the provider's secret, read from the environment
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
    """A public module of this folder: one kind of engine.

    There is one engine for each ``[[engine]]`` in ``terrarium.toml``, and one of each built-in kind under the
    module's name.
    """

    OPTIONS: type[EngineOptions]

    def build(self, setup: Setup) -> Engine:
        """Make an engine; start nothing that costs time or memory yet."""
        ...
