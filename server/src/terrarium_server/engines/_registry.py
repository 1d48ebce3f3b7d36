import importlib
import os
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from pydantic import SecretStr, ValidationError

from terrarium_server.configuration import Configuration, EngineEntry

from ._contract import Engine
from ._setup import EngineOptions, Kind, Setup
from ._wrappers import Paced, Traced


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

    def close(self) -> None:
        """Close all engines."""
        for engine in self._engines.values():
            engine.close()


def kinds() -> dict[str, Kind]:
    """Return every kind of engine in this folder, by the name of its module."""
    package = importlib.import_module(__package__ or "")
    return {
        info.name: cast(Kind, importlib.import_module(f"{package.__name__}.{info.name}"))
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_") and not info.ispkg
    }


def discover(configuration: Configuration | None = None, *, processes: int) -> Engines:
    """Build the built-in engines and those that the owner configured.

    ``processes`` bounds the local model processes of each engine that is not told otherwise. Raises
    ConfigurationError, with file, line and remedy, for an entry that is wrong.
    """
    known = kinds()
    entries = configuration.engines if configuration is not None else ()
    built: list[Engine] = []
    limits: dict[str, int] = {}
    for entry in entries:
        kind = known.get(entry.kind)
        if kind is None:
            raise entry.error(f"kind: there is no kind of engine {entry.kind!r}; one of: {', '.join(known)}")
        setup = _setup(entry, kind, processes)
        engine = kind.build(setup)
        built.append(Paced(engine, entry.requests_per_second) if entry.requests_per_second else engine)
        if entry.concurrency or kind.BUILT_IN:
            limits[entry.name] = entry.concurrency or _room(kind, setup)
    named = {entry.name for entry in entries}
    for name, kind in known.items():
        if kind.BUILT_IN and name not in named:
            setup = Setup(name, processes, kind.OPTIONS())
            built.append(kind.build(setup))
            limits[name] = _room(kind, setup)
    return Engines([Traced(engine) for engine in built], limits)


def _room(kind: Kind, setup: Setup) -> int:
    """How many jobs a local engine is given at once: its processes busy, and as many ready to follow.

    More would only keep worker threads from the runs of other engines.
    """
    return 2 * setup.processes if kind.BUILT_IN and not getattr(kind, "INSTANT", False) else 1_000_000


def _setup(entry: EngineEntry, kind: Kind, processes: int) -> Setup:
    try:
        options = kind.OPTIONS.model_validate(entry.options)
    except ValidationError as error:
        raise entry.error(_causes(error, kind.OPTIONS)) from error
    key = os.environ.get(entry.key_env) if entry.key_env else None
    secret = SecretStr(key) if key else None
    return Setup(entry.name, entry.processes or processes, options, secret, entry.key_env)


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
