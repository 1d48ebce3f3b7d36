import importlib
import os
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import SecretStr, ValidationError

from terrarium_server.configuration import Configuration, EngineEntry

from ._contract import Engine
from ._setup import EngineOptions, Kind, Setup
from ._wrappers import Logged, RateLimited

# There without being configured, under these names. The modules of the others are imported only if the owner
# configures one: a dozen of them would be felt at every start.
BUILT_IN = ("band", "espeak", "llama", "onnx", "piper", "rehearsal", "sketch")


class Engines:
    """The engines of this server, by name; ``limits`` says how many jobs one may have at the same time."""

    def __init__(self, engines: Iterable[Engine], limits: Mapping[str, int] | None = None) -> None:
        """Take the engines. Raises ValueError when two have the same name."""
        self.limits = dict(limits or {})
        self._engines: dict[str, Engine] = {}
        for engine in engines:
            if engine.name in self._engines:
                raise ValueError(f"two engines are named {engine.name!r}")
            self._engines[engine.name] = engine

    def __iter__(self) -> Iterator[Engine]:
        """Go over all engines."""
        return iter(self._engines.values())

    def get(self, name: str) -> Engine | None:
        """Return an engine, or None if this server has none of that name."""
        return self._engines.get(name)

    async def close(self) -> None:
        """Close all engines."""
        for engine in self._engines.values():
            await engine.close()


def kinds() -> list[str]:
    """Return the names of all kinds of engines: the public modules of this folder."""
    package = importlib.import_module(__package__ or "")
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg]
    return sorted(name for name in names if not name.startswith("_"))


def find_kind(name: str) -> Kind:
    """Return the module of a kind that there is."""
    return cast(Kind, importlib.import_module(f"{__package__}.{name}"))


def discover(configuration: Configuration | None = None, *, processes: int, scratch: Path) -> Engines:
    """Build the built-in engines and those that the owner configured.

    ``processes`` bounds the local model processes of each engine that is not told otherwise, and
    ``scratch`` is the folder for outputs that are files. Raises ConfigurationError, with file, line and
    remedy, for an entry that is wrong.
    """
    known = kinds()
    entries = configuration.engines if configuration is not None else ()
    built: list[Engine] = []
    limits: dict[str, int] = {}
    for entry in entries:
        if entry.kind not in known:
            raise entry.error(f"kind: there is no kind of engine {entry.kind!r}; one of: {', '.join(known)}")
        kind = find_kind(entry.kind)
        setup = _setup(entry, kind, processes, scratch)
        engine = kind.build(setup)
        built.append(RateLimited(engine, entry.requests_per_second) if entry.requests_per_second else engine)
        if entry.concurrency or entry.kind in BUILT_IN:
            limits[entry.name] = entry.concurrency or _room(kind, setup)
    named = {entry.name for entry in entries}
    for name in BUILT_IN:
        if name not in named:
            kind = find_kind(name)
            setup = Setup(name, processes, kind.OPTIONS(), scratch=scratch)
            built.append(kind.build(setup))
            limits[name] = _room(kind, setup)
    return Engines([Logged(engine) for engine in built], limits)


def _room(kind: Kind, setup: Setup) -> int:
    """How many jobs a built-in engine is given at once: its processes busy, and as many ready to follow.

    More would be claimed here while another worker could have begun with them.
    """
    return 1_000_000 if getattr(kind, "INSTANT", False) else 2 * setup.processes


def _setup(entry: EngineEntry, kind: Kind, processes: int, scratch: Path) -> Setup:
    try:
        options = kind.OPTIONS.model_validate(entry.options)
    except ValidationError as error:
        raise entry.error(_causes(error, kind.OPTIONS)) from error
    key = os.environ.get(entry.key_env) if entry.key_env else None
    secret = SecretStr(key) if key else None
    return Setup(entry.name, entry.processes or processes, options, secret, entry.key_env, scratch)


def _causes(error: ValidationError, options: type[EngineOptions]) -> str:
    takes: Sequence[str] = ("kind", "name", *options.model_fields)
    lines: list[str] = []
    for cause in error.errors():
        name = ".".join(str(part) for part in cause["loc"])
        unknown = cause["type"] == "extra_forbidden"
        lines.append(
            f"{name}: unknown; this kind takes: {', '.join(takes)}" if unknown else f"{name}: {cause['msg']}"
        )
    return "; ".join(lines)
