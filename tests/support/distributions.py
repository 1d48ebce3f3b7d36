"""Installed distributions, made for a test: folders as pip leaves them, in front of all others."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from terrarium_server.engines import registry


class InstalledDistributions:
    """Installs distributions into a folder of the test, until the test ends."""

    def __init__(self, folder: Path) -> None:
        """Install into this folder, which has to be on ``sys.path``."""
        self._folder = folder
        self._packages: list[str] = []

    def install(
        self, name: str, package: str, files: Mapping[str, str], *, kind: str = "", cards: bool = False
    ) -> Path:
        """Install a package with these files, which brings a kind or cards; return its folder."""
        home = self._folder / package
        for file, text in {"__init__.py": "", **files}.items():
            (home / file).parent.mkdir(parents=True, exist_ok=True)
            (home / file).write_text(text)
        groups = f"[terrarium.engines]\n{kind} = {package}\n" if kind else ""
        groups += f"[terrarium.cards]\n{package} = {package}.cards\n" if cards else ""
        info = self._folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(groups)
        self._packages.append(package)
        self.forget()
        return home

    def forget(self) -> None:
        """Make the next search read the installed distributions again."""
        importlib.invalidate_caches()
        registry._installed.cache_clear()

    def remove(self) -> None:
        """Forget the packages that were imported from here."""
        for module in [name for name in sys.modules if name.partition(".")[0] in self._packages]:
            del sys.modules[module]
        self.forget()


@pytest.fixture
def distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstalledDistributions]:
    """Installs distributions for this test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    installed = InstalledDistributions(folder)
    yield installed
    installed.remove()
