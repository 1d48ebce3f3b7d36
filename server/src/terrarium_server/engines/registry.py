"""The engines of a server: kinds found through entry points, and one engine for each that is set up."""

import asyncio
import importlib
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from pydantic import SecretStr, ValidationError

from terrarium_server import INSTALL_POCKET
from terrarium_server.configuration import ENGINE_NAME, Configuration, EngineEntry
from terrarium_server.distributions import FAILURES, cause_of, distribution_of
from terrarium_server.validation import all_causes

from ._contract import Engine
from ._wrappers import Checked, Logged, RateLimited
from .setup import EngineOptions, Kind, Setup

_log = logging.getLogger("terrarium_server.engines")

# An entry point's name is the kind, its value the kind's package, with a module `engine` in it.
GROUP = "terrarium.engines"

# The attributes and methods of the contract.
_MEMBERS = [name for name in (*Engine.__annotations__, *vars(Engine)) if not name.startswith("_")]


# A pool takes up to five seconds to end its processes.
_CLOSE_SECONDS = 8.0


class KindError(Exception):
    """A kind of engine cannot be used; the message says why and what to do."""


class Engines:
    """The engines of this server, by name; what they return is checked.

    ``limits`` says how many jobs one may have at the same time, ``broken`` why an engine could not be built.
    The limit of an engine that computes on this machine counts for each worker, that of one that calls
    another server over all workers.
    """

    def __init__(
        self,
        engines: Iterable[Engine],
        limits: Mapping[str, int] | None = None,
        broken: Mapping[str, str] | None = None,
    ) -> None:
        """Take the engines. Raises ValueError when two have the same name."""
        self.limits = dict(limits or {})
        self._broken = dict(broken or {})
        self._engines: dict[str, Engine] = {}
        for engine in engines:
            if engine.name in self._engines:
                raise ValueError(f"two engines are named {engine.name!r}")
            self._engines[engine.name] = Checked(engine)

    def __iter__(self) -> Iterator[Engine]:
        """Go over all engines."""
        return iter(self._engines.values())

    def get(self, name: str) -> Engine | None:
        """Return an engine, or None if this server has none of that name."""
        return self._engines.get(name)

    def why_missing(self, name: str) -> str:
        """Say why there is no engine of this name, and what to do about it."""
        if name in self._broken:
            return self._broken[name]
        return f"no engine named {name} is set up; add it as an [[engine]] to terrarium.toml"

    def worker_limit(self, name: str) -> int | None:
        """Return how many jobs an engine may have from each worker; None if no limit is set for that."""
        return None if name in self.shared_limits else self.limits.get(name)

    @property
    def shared_limits(self) -> dict[str, int]:
        """How many jobs each engine that calls another server may have from all workers together."""
        return {
            engine.name: self.limits[engine.name]
            for engine in self
            if engine.name in self.limits and not engine.repeatable
        }

    async def close(self) -> None:
        """Close all engines; one that fails or takes too long is logged."""
        await asyncio.gather(*(_close(engine) for engine in self))


async def _close(engine: Engine) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await engine.close()
    except Exception:
        _log.exception("engine %s could not be closed", engine.name)


@cache
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def kinds() -> list[str]:
    """Return the names of all kinds of engines that are installed."""
    return sorted(_installed())


def load_kind(name: str) -> Kind:
    """Import an installed kind. Raises KindError if it is broken, or two distributions bring it."""
    module = _imported(name, "engine")
    options = getattr(module, "OPTIONS", None)
    if not (isinstance(options, type) and issubclass(options, EngineOptions)):
        raise _unusable(name, "its module `engine` has no OPTIONS, a subclass of EngineOptions")
    if not callable(getattr(module, "build", None)):
        raise _unusable(name, "its module `engine` has no function `build`")
    return cast(Kind, module)


def _is_automatic(name: str) -> bool:
    return bool(getattr(_imported(name), "AUTOMATIC", False))


def _imported(name: str, module: str = "") -> object:
    """Import a kind's package, or a module of it. Raises KindError."""
    entry, *others = _installed()[name]
    if others:
        both = " and ".join(sorted(distribution_of(one) for one in (entry, *others)))
        raise KindError(f"kind {name} comes with {both}; uninstall one of them")
    if not re.fullmatch(ENGINE_NAME, name):
        raise _unusable(name, "a name may have only a-z, 0-9, '.', '_' and '-', and begins with a-z or 0-9")
    try:
        return importlib.import_module(f"{entry.value}.{module}" if module else entry.value)
    except FAILURES as error:
        remedy = f"reinstall {distribution_of(entry)}, or uninstall it"
        raise KindError(f"kind {name} cannot be loaded ({cause_of(error)}); {remedy}") from error


def _unusable(name: str, why: str) -> KindError:
    remedy = f"correct that, or update or uninstall {distribution_of(_installed()[name][0])}"
    return KindError(f"kind {name} cannot be used ({why}); {remedy}")


def _build(name: str, kind: Kind, setup: Setup) -> Engine:
    """Build an engine. Raises KindError if the kind fails, or builds something else."""
    try:
        engine = kind.build(setup)
        missing = [member for member in _MEMBERS if not hasattr(engine, member)]
        if missing:
            raise TypeError(f"`build` returned {type(engine).__name__}, without {', '.join(missing)}")
        if engine.name != setup.name:
            raise ValueError(f"its engine is named {engine.name!r}, not {setup.name!r}")
    except FAILURES as error:
        raise _unusable(name, cause_of(error)) from error
    return engine


def discover(configuration: Configuration | None = None, *, processes: int, scratch: Path) -> Engines:
    """Build the engines that the owner configured, and those of kinds that need no configuration.

    ``processes`` bounds the model processes of each engine that is not told otherwise, and ``scratch`` is
    the folder for outputs that are files. Raises ConfigurationError, with file, line and remedy, for an
    entry that is wrong. A kind that nobody configured and that cannot be loaded is logged and left out.
    """
    entries = configuration.engines if configuration is not None else ()
    built: list[Engine] = []
    limits: dict[str, int] = {}
    broken: dict[str, str] = {}
    for entry in entries:
        kind, automatic = _kind_of(entry)
        setup = _setup(entry, kind, processes, scratch)
        try:
            engine = _build(entry.kind, kind, setup)
        except KindError as error:
            raise entry.error(f"kind: {error}") from error
        built.append(RateLimited(engine, entry.requests_per_second) if entry.requests_per_second else engine)
        if entry.concurrency or automatic:
            limits[entry.name] = entry.concurrency or _concurrency(kind, setup)
    named = {entry.name for entry in entries}
    for name in kinds():
        try:
            if name in named or not _is_automatic(name):
                continue
            kind = load_kind(name)
            setup = Setup(name, processes, _defaults(name, kind), scratch=scratch)
            built.append(_build(name, kind, setup))
        except KindError as error:
            # One distribution that does not work must not keep the others from working.
            broken[name] = str(error)
            _log.warning("engine %s is left out: %s", name, error)
        else:
            limits[name] = _concurrency(kind, setup)
    return Engines([Logged(engine) for engine in built], limits, broken)


def _kind_of(entry: EngineEntry) -> tuple[Kind, bool]:
    """Return the kind of an entry and whether it is automatic. Raises ConfigurationError."""
    known = kinds()
    if entry.kind not in known:
        message = f"kind: there is no kind of engine {entry.kind!r}; one of: {', '.join(known)}"
        raise entry.error(f"{message}. More come with other distributions, such as: {INSTALL_POCKET}")
    try:
        return load_kind(entry.kind), _is_automatic(entry.kind)
    except KindError as error:
        raise entry.error(f"kind: {error}") from error


def _concurrency(kind: Kind, setup: Setup) -> int:
    """How many jobs a local engine is given at once: its processes busy, and as many ready to follow.

    More would be claimed here while another worker could have begun with them.
    """
    return 1_000_000 if getattr(kind, "INSTANT", False) else 2 * setup.processes


def _defaults(name: str, kind: Kind) -> EngineOptions:
    """Return the options of an engine that nobody configured. Raises KindError."""
    try:
        return kind.OPTIONS()
    except ValidationError as error:
        raise KindError(f"kind {name} needs an [[engine]] in terrarium.toml: {all_causes(error)}") from error
    except FAILURES as error:
        raise _unusable(name, cause_of(error)) from error


def _setup(entry: EngineEntry, kind: Kind, processes: int, scratch: Path) -> Setup:
    try:
        options = kind.OPTIONS.model_validate(entry.options)
    except ValidationError as error:
        raise entry.error(all_causes(error, known=("kind", "name", *kind.OPTIONS.model_fields))) from error
    except FAILURES as error:
        raise entry.error(f"kind: {_unusable(entry.kind, cause_of(error))}") from error
    key = os.environ.get(entry.key_env) if entry.key_env else None
    secret = SecretStr(key) if key else None
    return Setup(entry.name, entry.processes or processes, options, secret, entry.key_env, scratch)
