"""FLORA's own TypeScript client, both versions, unchanged, against a real server."""

import json
import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from support import tree
from support.server import Server

HERE = Path(__file__).parent
VERSIONS = {"0.7.1": "flora-0-7-1", "0.11.0": "flora-0-11-0"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_official_client_works(server: Server, file: str, version: str) -> None:
    setup = {
        "version": version,
        "base_url": server.api_url,
        **asdict(server.new_account()),
        "pages": asdict(server.new_account()),
        "poor": asdict(server.new_account(credits=0.2)),
        "viewer": asdict(server.new_account(role="viewer")),
        "slow": asdict(server.new_account(rate_limit=1)),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLORA_")}
    environment |= {"FLORA_PACKAGE": VERSIONS[version], "SETUP": json.dumps(setup)}
    command = ["sh", tree.ROOT / "scripts/with-node.sh", "node", "--test", HERE / file]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_versions_are_the_published_ones() -> None:
    for version, alias in VERSIONS.items():
        package = json.loads((tree.ROOT / "node_modules" / alias / "package.json").read_text())
        assert (package["name"], package["version"]) == ("@flora-ai/flora", version)
