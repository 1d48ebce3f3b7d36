import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import cast

from ._contract import Engine


class Engines:
    """The engines of this server, by name."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        """Take the engines. Raises ValueError when two have the same name."""
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


def discover(*, processes: int) -> Engines:
    """Build every engine of this folder: each public module has ``build(processes=…) -> Engine``.

    ``processes`` bounds the local model processes of one engine. Raises ValueError for a module whose
    engine is not named like its file.
    """
    package = importlib.import_module(__package__ or "")
    found: list[Engine] = []
    for module_info in pkgutil.iter_modules(package.__path__):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        engine = cast(Engine, module.build(processes=processes))
        if engine.name != module_info.name:
            raise ValueError(f"engine {engine.name!r} must live in engines/{engine.name}.py")
        found.append(engine)
    return Engines(found)
