"""A database that does not answer is a 503 that says so, for every route and in the one envelope."""

import pytest
from sqlalchemy.exc import OperationalError

from support.house import Inside


def test_a_request_is_told_that_the_database_is_away_and_the_next_one_is_answered(
    door: Inside, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = door.account()
    client = door.client(account.api_key)

    async def away(work: object) -> None:
        raise OperationalError("SELECT secret-statement", {}, Exception("the server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(door.house.database, "read", away)
        patched.setattr(door.house.database, "write", away)
        for answer in (
            client.get("/workspaces"),
            client.post("/generate", json=account.body()),
            client.get("/runs/run_1"),
        ):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "service_unavailable"
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["request-id"]
            assert "secret-statement" not in answer.text
    assert all(record.exc_info is None for record in caplog.records)
    assert client.get("/workspaces").status_code == 200
