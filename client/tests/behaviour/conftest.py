"""Fixtures: a scripted server and a fake clock; tests that use ``flora`` run with both clients."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import terrarium._async_client
import terrarium._client

from .scripted import KEY, Clients, FakeTime, ScriptedServer


@pytest.fixture(autouse=True)
def _no_environment_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLORA_API_KEY", "TERRARIUM_API_KEY", "FLORA_BASE_URL", "FLORA_CUSTOM_HEADERS", "FLORA_LOG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture(params=["sync", "async"])
def flora(request: pytest.FixtureRequest, server: ScriptedServer, time: FakeTime) -> Clients:
    return Clients(request.param, server, time)


@pytest.fixture
def configured_server(
    server: ScriptedServer, time: FakeTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ScriptedServer:
    """The server that the environment names, in an empty working folder, for commands and examples."""
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    monkeypatch.setenv("FLORA_BASE_URL", server.url)
    monkeypatch.setattr(terrarium._client, "SYSTEM_CLOCK", time.clock)
    monkeypatch.setattr(terrarium._async_client, "SYSTEM_CLOCK", time.clock)
    monkeypatch.chdir(tmp_path)
    return server
