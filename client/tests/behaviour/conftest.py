"""Fixtures: a scripted server and a fake clock; tests that use ``flora`` run with both clients."""

from collections.abc import Iterator

import pytest

from .scripted import Clients, FakeTime, ScriptedServer


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
