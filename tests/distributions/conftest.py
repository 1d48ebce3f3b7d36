"""A machine as somebody else has it: an environment of its own, into which distributions are installed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .environments import OURS, Environment, build_wheels


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of each distribution of this repository."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheels(OURS, folder)
    return folder


@pytest.fixture
def install(tmp_path: Path, wheels: Path) -> Callable[..., Environment]:
    """Makes an environment with these distributions and all that they depend on, and nothing else."""

    def make(*names: str) -> Environment:
        return Environment.create(tmp_path / "a folder of mine", wheels, names)

    return make
