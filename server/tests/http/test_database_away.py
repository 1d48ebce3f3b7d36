"""A database that does not answer gives a 503 in the error envelope, on every route."""

import pytest
from sqlalchemy.exc import OperationalError

from support.application import Application
from support.envelope import assert_refused


def test_requests_get_503_until_the_database_answers_again(
    api_only: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    assert client.get("/workspaces").status_code == 200

    async def fail(work: object) -> None:
        raise OperationalError("SELECT secret-statement", {}, Exception("the server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(api_only.services.database, "read", fail)
        patched.setattr(api_only.services.database, "write", fail)
        for answer in (
            client.get("/workspaces"),
            client.post("/generate", json=account.body()),
            client.get("/runs/run_1"),
        ):
            assert_refused(answer, 503, "service_unavailable")
            assert answer.headers["retry-after"] == "1"
            assert "secret-statement" not in answer.text
        # The caller is known, and what is wrong with this start needs no database.
        assert_refused(client.post("/generate", json=account.body(prompt="")), 400, "input_validation_error")
    assert all(record.exc_info is None for record in caplog.records)
    assert client.get("/workspaces").status_code == 200
