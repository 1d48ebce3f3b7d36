"""Virtual environments without a network: our wheels are installed, what they need is linked from here."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from support.server import DEADLINE
from support.tree import ROOT

# Distributions of this repository, by the folders that they are built from.
OURS = {"terrarium-server": "server", "terrarium-pocket": "pocket", "terrarium": "client"}


def build_wheels(folders: dict[str, str], into: Path) -> None:
    """Build a wheel of each of these folders of the repository, without looking anything up."""
    for folder in folders.values():
        _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)], cwd=ROOT / folder)


@dataclass(frozen=True)
class Environment:
    """A virtual environment and a folder to work in."""

    folder: Path
    variables: dict[str, str]

    @classmethod
    def create(cls, folder: Path, wheels: Path, names: Iterable[str]) -> "Environment":
        """Make an environment with distributions of ours, and what they depend on."""
        folder.mkdir(parents=True)
        _run([sys.executable, "-m", "venv", "--symlinks", str(folder / "venv")])
        kept = {"HOME", "LANG", "TZ", "TMPDIR", "XDG_CACHE_HOME", "TERRARIUM_WEIGHTS_DIR"}
        variables = {name: value for name, value in os.environ.items() if name in kept}
        variables |= {
            "PATH": os.pathsep.join([str(folder / "venv/bin"), os.environ["PATH"]]),
            # pip looks nothing up, and builds with what is here.
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "TERRARIUM_DATA_DIR": str(folder / "data"),
            "TERRARIUM_LOG_LEVEL": "WARNING",
        }
        environment = cls(folder, variables)
        environment.link(name for one in names for name in dependencies(one))
        # What builds a wheel from a folder.
        environment.link(["hatchling", *dependencies("hatchling")])
        environment.run("pip", "install", *names)
        return environment

    def link(self, names: Iterable[str]) -> None:
        """Let the environment have distributions that this one has."""
        (site,) = (self.folder / "venv/lib").glob("python*/site-packages")
        for name in names:
            for path in _top_level(distribution(name)):
                link = site / path.name
                if not link.exists():
                    link.symlink_to(path)

    def run(self, *command: str) -> str:
        """Run a command in the folder; return what it printed."""
        return _run(command, cwd=self.folder, env=self.variables)

    def shell(self, script: str) -> str:
        """Run commands as a person would type them."""
        return self.run("sh", "-eu", "-c", script)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run `terrarium serve` until the block ends; yield what it says at its start."""
        log = self.folder / "serve.log"
        with log.open("wb") as errors:
            server = subprocess.Popen(
                ["terrarium", "serve", "--port", "0"],
                cwd=self.folder,
                env=self.variables,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            yield self._greeting(server, log)
        finally:
            server.terminate()
            server.wait(timeout=DEADLINE)
            assert server.stdout is not None
            server.stdout.close()

    def _greeting(self, server: "subprocess.Popen[str]", log: Path) -> str:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if line.startswith("Stop with"):
                break
        else:
            raise AssertionError(said + log.read_text())
        return said

    def as_client(self, greeting: str) -> "Environment":
        """This environment with the address and the key that a server shows at its first start."""
        key = re.search(r"FLORA_API_KEY=(\S+)", greeting)
        assert key, greeting
        return Environment(self.folder, self.variables | {"FLORA_API_KEY": key[1]}).at(greeting)

    def at(self, greeting: str) -> "Environment":
        """This environment with the address that a server shows at its start."""
        address = re.search(r"http://\S+?:\d+", greeting)
        assert address, greeting
        return Environment(self.folder, self.variables | {"FLORA_BASE_URL": f"{address[0]}/api/v1"})

    def models(self) -> list[str]:
        """The ids of the models that the server lists."""
        return [model["model_id"] for model in json.loads(self.run("terrarium", "models", "--json"))]


def dependencies(name: str) -> set[str]:
    """All that a distribution depends on here, by name, without the distributions of this repository."""
    found: set[str] = set()
    pending = [(name, frozenset[str]())]
    while pending:
        current, extras = pending.pop()
        for required, wanted in _requirements(distribution(current), extras):
            if required not in found:
                pending.append((required, wanted))
                found.add(required)
    return found - OURS.keys()


def _requirements(of: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement

    for line in of.requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield requirement.name.lower(), frozenset(requirement.extras)


def _top_level(of: Distribution) -> set[Path]:
    """Files and folders of a distribution that lie in site-packages itself."""
    site = Path(str(of.locate_file("")))
    names = {Path(file).parts[0] for file in map(str, of.files or [])}
    return {site / name for name in names if name not in ("..", "__pycache__", "bin")}


def _run(command: Iterable[str], **how: object) -> str:
    done = subprocess.run(list(command), capture_output=True, text=True, timeout=300, check=False, **how)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
