"""The owner's ``terrarium.toml``: engines, default models, the folder of their cards.

Everything that is wrong in it is told with the file, the line and what to change; nothing is ignored.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_NAME = r"^[a-z0-9][a-z0-9._-]*$"


class ConfigurationError(Exception):
    """The configuration cannot be used; the message names file, line and remedy."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Engine(BaseModel):
    """What every ``[[engine]]`` may say; the rest is its kind's."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    name: str | None = Field(None, pattern=_NAME)
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
    engine: tuple[_Engine, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One ``[[engine]]``: ``options`` are the fields that its kind checks, ``key_env`` names the variable
    that holds its secret."""

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
        """Say that something is wrong with this entry."""
        return ConfigurationError(f"{self.path}:{self.line}: [[engine]] {self.name}: {message}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the owner chose; ``defaults`` maps a type to a model id, ``fallback`` a model id to another."""

    cards: Path | None = None
    defaults: dict[str, str] = field(default_factory=dict[str, str])
    fallback: dict[str, str] = field(default_factory=dict[str, str])
    engines: tuple[EngineEntry, ...] = ()
    path: Path | None = None
    text: str = ""

    def error(self, table: str, name: str, message: str) -> ConfigurationError:
        """Say that something is wrong with what stands under this name in this table."""
        line = _line_of(self.text, (table, name))
        return ConfigurationError(f"{self.path}:{line}: [{table}] {name}: {message}")

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
            causes = "; ".join(_cause(path, text, cause["loc"], cause["msg"]) for cause in error.errors())
            raise ConfigurationError(causes) from error
        defaults = {type: model for type, model in document.defaults if model is not None}
        entries = tuple(_entry(path, text, number, given) for number, given in enumerate(document.engine))
        seen: set[str] = set()
        for entry in entries:
            if entry.name in seen:
                raise entry.error("name: taken by an engine above; give this one another name")
            seen.add(entry.name)
        cards = path.parent / document.cards if document.cards is not None else None
        return cls(cards, defaults, document.fallback, entries, path, text)


def _entry(path: Path, text: str, number: int, given: _Engine) -> EngineEntry:
    return EngineEntry(
        kind=given.kind,
        name=given.name or given.kind,
        key_env=given.key_env,
        processes=given.processes,
        concurrency=given.concurrency,
        requests_per_second=given.requests_per_second,
        options=dict(given.model_extra or {}),
        path=path,
        line=_line_of(text, ("engine", number)),
    )


def _cause(path: Path, text: str, where: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in where)
    if message.startswith("Extra inputs"):
        known = _Document.model_fields if len(where) == 1 else _Defaults.model_fields
        message = f"unknown; known here: {', '.join(known)}"
    return f"{path}:{_line_of(text, where)}: {name}: {message}"


def _line_of(text: str, where: tuple[int | str, ...]) -> int:
    """Find the line that a dotted place stands on, as well as one can without a parser that keeps lines."""
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
