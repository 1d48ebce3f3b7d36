"""An account to send hostile requests to, and what must hold for every answer."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx
import sqlalchemy as sa

from support.application import Application
from support.envelope import error_of
from support.server import Account
from terrarium_server import assets, ledger, money, runs

from .exchange import Headers, Operation, Request, send

LARGEST_REFUSAL = 64 << 10


@dataclass(frozen=True)
class Target:
    """An account with a run that is over and a medium, and a good value for everything that requests take."""

    application: Application
    account: Account
    granted_micros: int
    values: dict[str, Any]
    keys: Iterator[str] = field(default_factory=lambda: map("key {}".format, itertools.count()))

    @property
    def headers(self) -> Headers:
        """The headers of every good request."""
        return (("host", b"terrarium.test"), ("authorization", f"Bearer {self.account.api_key}".encode()))

    def good(self, operation: Operation) -> Request:
        """A request that succeeds."""
        path = operation.path.format(**{name: self.values[name] for name in operation.path_params})
        query = "&".join(f"{name}={quote(str(self.values[name]))}" for name in operation.query)
        headers, body = self.headers, b""
        if operation.body is not None:
            headers += (("content-type", b"application/json"),)
            body = json.dumps(self.body(operation)).encode()
        return Request(operation.method, f"{path}?{query}" if query else path, headers, body)

    def body(self, operation: Operation) -> dict[str, Any]:
        """The body of a good request, with every field."""
        fields = operation.body.model_fields if operation.body is not None else {}
        return {name: self.values[name] for name in fields}

    def send(self, request: Request) -> httpx.Response:
        """Send a request and check its answer; a failure shows both."""
        answer = send(self.application, request)
        try:
            _check(request, answer)
        except (AssertionError, LookupError, ValueError) as error:
            raise AssertionError(
                f"{error}\n\n{request!r}\n\n{answer.status_code} {answer.text[:2_000]}"
            ) from error
        return answer

    def send_all(self, operation: Operation, requests: Iterable[Request]) -> set[int]:
        """Send hostile requests with one idempotency key until one succeeds, then with the next one.

        Returns the statuses of the answers. Afterwards the key of the refused ones is free, and what was
        charged are the runs that were started.
        """
        key = next(self.keys)
        started: set[str] = set()
        statuses: set[int] = set()
        before = self._books()
        for request in requests:
            answer = self.send(_with_key(request, key))
            statuses.add(answer.status_code)
            assert answer.status_code != 409, f"a refused request before this one kept its key:\n{request!r}"
            if answer.is_success:
                key = next(self.keys)
            if answer.status_code == 201 and "run_id" in answer.json():
                made = [answer.json(), *answer.json().get("runs", ())]
                started.update(run["run_id"] for run in made)
        after = self._books()
        assert set(after) - set(before) == started
        answer = self.send(_with_key(self.good(operation), key))
        assert answer.is_success, f"a refused request kept its key: {answer.text}"
        return statuses

    def _books(self) -> dict[str, int]:
        """The holds of all runs (micro-USD), after checking that nothing else was charged."""
        workspace = self.account.workspace_id
        with self.application.services.database.transaction() as tx:
            assert ledger.check(tx) == []
            balance = ledger.read_balance(tx, workspace)
            # A list would leave out the batches, which hold the credits of their runs.
            row = runs.runs.c
            holds = sa.select(row.run_id, row.held_micros).where(
                row.workspace_id == workspace, row.state.in_(("pending", "running"))
            )
            held: dict[str, int] = {run_id: micros for run_id, micros in map(tuple, tx.execute(holds))}
        assert balance + sum(held.values()) == self.granted_micros
        return held


def new_target(application: Application) -> Target:
    """Open an account and make what the good values name."""
    credits = 1_000_000
    account = application.account(rate_limit=1_000_000, credits=credits)
    client = application.client(account.api_key)
    run_id = client.post("/generate", json=account.body()).raise_for_status().json()["run_id"]
    client.post(f"/runs/{run_id}/cancel").raise_for_status()
    with application.services.database.transaction() as tx:
        picture = assets.keep(
            application.services.blobs,
            run_id,
            account.workspace_id,
            0,
            type="image",
            content_type="image/png",
            data=b"bytes",
            now_ms=tx.now_ms,
        )
        assets.record_outputs(tx, [picture])
    values: dict[str, Any] = {
        "workspace_id": account.workspace_id,
        "project_id": account.project_id,
        "run_id": run_id,
        "link": picture.link,
        "type": "text",
        "prompt": "a fern",
        "model": "t2t-rehearsal",
        "params": {"seconds": 0, "outcome": "completed"},
        "starts": [{"type": "text", "prompt": "a fern"}],
        "max_parallel": 1,
        "priority": 1,
        "name": "A project",
        "limit": 2,
        "cursor": "",
        "status": "pending",
        "query": "project",
        "all": "true",
        "after": 0,
    }
    return Target(application, account, money.to_micros(credits), values)


def _check(request: Request, answer: httpx.Response) -> None:
    assert answer.status_code < 500, "an unexpected error"
    assert answer.headers["request-id"].startswith("req_")
    if answer.status_code >= 400 and request.method != "HEAD":
        assert len(answer.content) <= LARGEST_REFUSAL, f"a refusal of {len(answer.content)} bytes"
        error_of(answer)


def _with_key(request: Request, key: str) -> Request:
    return replace(request, headers=(*request.headers, ("idempotency-key", key.encode())))
