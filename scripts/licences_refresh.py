"""Ask the package indexes when the pinned versions were released, and write it into scripts/licences.toml.

uv's lock file has the upload time of each file, so uv is asked to lock all pins. No index is named here: uv
uses the one that it is set up for, as in `make lock`.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from licences_rules import DATA, ROOT, Inventory, package_of

_UV = Path(".venv/.stamps/uv/bin/uv")
_TABLE = "[released]\n"


def refresh(inventory: Inventory) -> None:
    """Write the release dates of everything that is pinned and of the packages of weights."""
    pinned = {name: pin.version for name, pin in (inventory.base | inventory.local).items()}
    markers = {name: pin.marker for name, pin in (inventory.base | inventory.local).items()}
    sources = [(source.partition(":")[0], *package_of(source)) for source in inventory.weights]
    pinned |= {name: version for kind, name, version in sources if kind == "pypi"}
    released = {name: (pinned[name], day) for name, day in _python(pinned, markers).items()}
    released |= {name: (version, _npm(name, version)) for kind, name, version in sources if kind == "npm"}

    path = ROOT / DATA
    kept, table, _ = path.read_text(encoding="utf-8").partition(_TABLE)
    lines = [
        f'{json.dumps(name)} = {{ version = "{version}", date = {day} }}\n'
        for name, (version, day) in sorted(released.items())
    ]
    path.write_text("".join([kept, table, *lines]), encoding="utf-8")


def _python(pinned: dict[str, str], markers: dict[str, str]) -> dict[str, str]:
    """Return the day, YYYY-MM-DD, on which the first file of each version was uploaded."""
    if not (ROOT / _UV).exists():
        sys.exit(f"uv is missing. Run `make {_UV}` first.")
    wanted = [
        f"{name}=={version}{f' ; {markers[name]}' if markers.get(name) else ''}"
        for name, version in pinned.items()
    ]
    # Without their dependencies: all that are needed are pinned, and nothing has to be built to learn them.
    alone = [
        f'[[tool.uv.dependency-metadata]]\nname = "{name}"\nversion = "{version}"\nrequires-dist = []\n'
        for name, version in pinned.items()
    ]
    project = '[project]\nname = "pins"\nversion = "0"\nrequires-python = ">=3.11"'
    project += f"\ndependencies = {json.dumps(wanted)}\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text("\n".join([project, *alone]), encoding="utf-8")
        _run(str(ROOT / _UV), "lock", "--quiet", "--project", folder)
        lock = tomllib.loads(Path(folder, "uv.lock").read_text(encoding="utf-8"))
    days: dict[str, str] = {}
    for package in lock["package"]:
        files: list[dict[str, Any]] = [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
        if uploaded := sorted(file["upload-time"] for file in files if "upload-time" in file):
            days[package["name"]] = str(uploaded[0])[:10]
    return days


def _npm(name: str, version: str) -> str:
    answer = _run(
        "sh", str(ROOT / "scripts/with-node.sh"), "npm", "view", f"{name}@{version}", "time", "--json"
    )
    return str(json.loads(answer)[version])[:10]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
