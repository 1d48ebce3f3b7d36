"""A server imports no model runtime, and a model process imports only its own kind."""

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from terrarium_server.engines.registry import GROUP

SERVER = ("terrarium_server.app", "terrarium_server.execution", "terrarium_server.commands.serve")

# The runtimes that each kind's process imports before its first job.
RUNTIMES = {
    "terrarium_pocket.band": {"numpy", "tinysoundfont"},
    "terrarium_pocket.espeak": {"numpy"},
    "terrarium_pocket.llama": {"xllamacpp"},
    "terrarium_pocket.painter": {"PIL", "av", "numpy", "onnxruntime"},
    "terrarium_pocket.piper": {"numpy", "onnxruntime"},
    "terrarium_pocket.sketch": {"PIL", "numpy"},
    "terrarium_server.engines.diffusers": {"PIL", "numpy"},
    "terrarium_server.engines.transformers": {"PIL"},
}
ALL_RUNTIMES = set[str]().union(*RUNTIMES.values()) | {"accelerate", "diffusers", "torch", "transformers"}

# What only the server needs.
SERVER_LIBRARIES = {
    "asyncio",
    "fastapi",
    "httpcore",
    "httpx",
    "psycopg",
    "pydantic",
    "sqlalchemy",
    "starlette",
}
SERVER_PACKAGES = ("app", "catalog", "configuration", "execution", "http", "store", "wire")
SERVER_MODULES = {
    *(f"terrarium_server.{package}" for package in SERVER_PACKAGES),
    *(f"terrarium_server.engines.{module}" for module in ("processes", "provider", "registry", "setup")),
}

# One fresh interpreter, forked for each line of modules, so that each fork has imported nothing else.
SCRIPT = """
import importlib, json, os, sys
for line in sys.stdin.read().splitlines():
    pid = os.fork()
    if pid == 0:
        for name in line.split():
            importlib.import_module(name)
        print(json.dumps(sorted(sys.modules)), flush=True)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit(f"cannot import {line}")
"""


def kinds() -> set[str]:
    """The packages of all kinds that are installed."""
    return {entry.value for entry in entry_points(group=GROUP)}


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """What a server imports, under "server", and the process of each kind, by the kind's package."""
    lines = {"server": " ".join(SERVER), **{kind: f"{kind}.process" for kind in RUNTIMES}}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input="\n".join(lines.values()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outputs = [set[str](json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(lines, outputs, strict=True))


def test_every_kind_with_a_process_is_listed() -> None:
    assert {kind for kind in kinds() if importlib.util.find_spec(f"{kind}.process")} == RUNTIMES.keys()


def test_a_server_imports_no_runtime_and_no_postgresql_driver(imported: dict[str, set[str]]) -> None:
    assert imported["server"].isdisjoint(ALL_RUNTIMES | {"psycopg", "terrarium_pocket"})


@pytest.mark.parametrize("kind", RUNTIMES)
def test_a_model_process_imports_only_its_own_kind_and_runtimes(
    kind: str, imported: dict[str, set[str]]
) -> None:
    modules = imported[kind]
    assert f"{kind}.process" in modules
    assert modules & ALL_RUNTIMES == RUNTIMES[kind]
    assert modules.isdisjoint(SERVER_LIBRARIES)
    assert modules.isdisjoint(SERVER_MODULES)
    assert modules.isdisjoint(kinds() - {kind})
    assert f"{kind}.engine" not in modules
