"""The owner's ``terrarium.toml``: engines, default models, aliases, the folder of their cards.

Every mistake in it is reported with the file, the line and what to change; nothing is ignored.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from terrarium_server.validation import Cause, causes_of

# Names of engines, and of their kinds.
ENGINE_NAME = r"^[a-z0-9][a-z0-9._-]*$"


class ConfigurationError(Exception):
    """The configuration cannot be used; the message names file, line and remedy."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Engine(BaseModel):
    """The fields of every ``[[engine]]``; its kind checks the others."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    name: str | None = Field(None, pattern=ENGINE_NAME)
    key_env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    processes: int | None = Field(None, ge=1, le=64)
    concurrency: int | None = Field(None, ge=1, le=1000)
    requests_per_second: float | None = Field(None, gt=0, le=1000)


class _Defaults(_Table):
    image: str | None = None
    video: str | None = None
    audio: str | None = None
    text: str | None = None


class _Document(_Table):
    cards: str | None = None
    defaults: _Defaults = _Defaults()
    fallback: dict[str, str] = Field(default_factory=dict)
    aliases: dict[str, str] = Field(default_factory=dict)
    engine: tuple[_Engine, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One ``[[engine]]``: ``options`` holds the fields that its kind checks, ``key_env`` is the name of the
    variable with its secret."""

    kind: str
    name: str
    key_env: str | None
    processes: int | None
    concurrency: int | None
    requests_per_second: float | None
    options: dict[str, Any]
    path: Path
    line: int

    def error(self, message: str) -> ConfigurationError:
        """Return an error about this entry."""
        return ConfigurationError(f"{self.path}:{self.line}: [[engine]] {self.name}: {message}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The owner's choices; ``defaults`` maps a type to a model id, ``fallback`` a model id to another.

    ``aliases`` maps published ids, and patterns with ``*``, to the ids of the models that stand for them.
    """

    cards: Path | None = None
    defaults: dict[str, str] = field(default_factory=dict[str, str])
    fallback: dict[str, str] = field(default_factory=dict[str, str])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    engines: tuple[EngineEntry, ...] = ()
    path: Path | None = None
    text: str = ""

    def error(self, table: str, name: str, message: str) -> ConfigurationError:
        """Return an error about the value of this name in this table."""
        line = _line_of(self.text, (table, name))
        return ConfigurationError(f"{self.path}:{line}: [{table}] {name}: {message}")

    @classmethod
    def find(cls, path: Path | None) -> Self:
        """Read the file that the owner named, else ``terrarium.toml`` here if there is one.

        Raises ConfigurationError.
        """
        default = Path("terrarium.toml")
        if path is None and not default.exists():
            return cls()
        return cls.read(path or default)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file. Raises ConfigurationError."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: cannot be read: {error}; check TERRARIUM_CONFIG") from error
        try:
            document = _Document.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise ConfigurationError(f"{path}:{line[1] if line else 1}: not valid TOML: {error}") from error
        except ValidationError as error:
            causes = (_located(path, text, cause) for cause in causes_of(error))
            raise ConfigurationError("; ".join(causes)) from error
        defaults = {type: model for type, model in document.defaults if model is not None}
        entries = tuple(_entry(path, text, number, engine) for number, engine in enumerate(document.engine))
        names: set[str] = set()
        for entry in entries:
            if entry.name in names:
                raise entry.error("name: taken by an engine above; give this one another name")
            names.add(entry.name)
        cards = path.parent / document.cards if document.cards is not None else None
        return cls(cards, defaults, document.fallback, document.aliases, entries, path, text)


def _entry(path: Path, text: str, number: int, engine: _Engine) -> EngineEntry:
    return EngineEntry(
        kind=engine.kind,
        name=engine.name or engine.kind,
        key_env=engine.key_env,
        processes=engine.processes,
        concurrency=engine.concurrency,
        requests_per_second=engine.requests_per_second,
        options=dict(engine.model_extra or {}),
        path=path,
        line=_line_of(text, ("engine", number)),
    )


def _located(path: Path, text: str, cause: Cause) -> str:
    fields = _Document.model_fields if len(cause.where) == 1 else _Defaults.model_fields
    return f"{path}:{_line_of(text, cause.where)}: {cause.line(fields)}"


def _line_of(text: str, where: tuple[int | str, ...]) -> int:
    """Guess the line of a value by its path; the TOML parser reports no lines."""
    lines = text.splitlines()
    start, names = 0, [part for part in where if isinstance(part, str)]
    numbers = [part for part in where if isinstance(part, int)]
    table = re.escape(names[0]) if names else ""
    headers = [number for number, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{table}\s*\]\]?", line)]
    if headers:
        start = headers[min(numbers[0] if numbers else 0, len(headers) - 1)]
    for number in range(start, len(lines)):
        if re.match(rf"\s*[\"']?{re.escape(names[-1])}[\"']?\s*=", lines[number]):
            return number + 1
        if number > start and lines[number].lstrip().startswith("["):
            break
    return start + 1
