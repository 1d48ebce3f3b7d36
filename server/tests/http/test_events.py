"""Events of projects and of runs, as they happen."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from support.application import Application, Client, open_application
from support.envelope import rejected_fields
from support.events import EventSource, Sent
from support.server import Account, finished
from terrarium_server import accounts, events, runs
from terrarium_server.events import Change, Expiry
from terrarium_server.runs import RunProgress
from terrarium_server.store import Database

DAY_MS = 24 * 60 * 60 * 1000
SILENCE = "terrarium_server.http.events._SILENCE_SECONDS"

Listen = Callable[..., EventSource]


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


@contextmanager
def listening(application: Application, account: Account) -> Iterator[Listen]:
    """Open streams, which are left at the end."""
    opened: list[EventSource] = []

    def listen(path: str, *, api_key: str = account.api_key, **headers: str) -> EventSource:
        source = EventSource(application, api_key, path, **headers)
        opened.append(source)
        return source

    yield listen
    for source in opened:
        source.leave()


@pytest.fixture
def listen(api_only: Application, account: Account) -> Iterator[Listen]:
    with listening(api_only, account) as opened:
        yield opened


@pytest.fixture
def of_project(account: Account) -> str:
    return f"/projects/{account.project_id}/events"


def start(client: Client, account: Account) -> str:
    body = account.body(model="t2t-rehearsal")
    return client.post("/generate", json=body).raise_for_status().json()["run_id"]


def cancel(client: Client, run_id: str) -> None:
    client.post(f"/runs/{run_id}/cancel").raise_for_status()


def expire(database: Database, stream: str, up_to: int) -> None:
    with database.transaction() as tx:
        tx.execute(
            sa.update(events.events)
            .where(events.events.c.stream == stream, events.events.c.number <= up_to)
            .values(created_at=tx.now_ms - 8 * DAY_MS)
        )
    asyncio.run(Expiry(database).run())


def told(sent: list[Sent]) -> list[tuple[str, int | None]]:
    return [(one.type, one.id) for one in sent]


def test_a_project_tells_what_happens_from_now_on(
    client: Client, account: Account, listen: Listen, of_project: str
) -> None:
    start(client, account)
    source = listen(of_project)
    assert source.status == 200
    assert source.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (source.headers["cache-control"], source.headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in source.headers
    assert source.text() == 'retry: 1000\nid: 1\nevent: open\ndata: {"number":1}\n\n'
    run_id = start(client, account)
    created = source.next()
    of_run = {"run_id": run_id, "root_run_id": run_id, "project_id": account.project_id}
    assert created.data.pop("created_at") > 0 and created.data["actor"].startswith("key:key_")
    by_key = {"actor": created.data["actor"]}
    assert created == Sent(
        "run.created", 2, {"number": 2, "type": "run.created", **of_run, **by_key, "status": "pending"}
    )
    cancel(client, run_id)
    failed = source.next()
    assert told([failed]) == [("run.failed", 3)] and failed.data["actor"] == created.data["actor"]
    assert (failed.data["status"], failed.data["error_code"]) == ("failed", "GENERATION_CANCELLED")
    assert failed.data["error_message"]


def test_a_client_goes_on_after_any_event_of_a_project(
    client: Client, account: Account, listen: Listen, of_project: str
) -> None:
    cancel(client, start(client, account))
    cancel(client, start(client, account))
    everything = [("run.created", 1), ("run.failed", 2), ("run.created", 3), ("run.failed", 4)]
    for seen in range(5):
        for source in (listen(of_project, last_event_id=str(seen)), listen(f"{of_project}?after={seen}")):
            assert told([source.next() for _ in range(5 - seen)]) == [("open", seen), *everything[seen:]]
    # The header wins, because a client that reconnects sends the URL again.
    both = listen(f"{of_project}?after=0", last_event_id="3")
    assert told([both.next(), both.next()]) == [("open", 3), ("run.failed", 4)]


def test_a_run_tells_everything_and_ends(client: Client, account: Account, listen: Listen) -> None:
    start(client, account)
    run_id = start(client, account)
    path = f"/runs/{run_id}/events"
    live, left = listen(path), listen(path)
    assert told([live.next(), live.next()]) == [("open", None), ("run.created", 2)]
    left.leave()
    cancel(client, run_id)
    assert told(live.rest()) == [("run.failed", 3)]
    # The same afterwards, after each possible cut.
    assert told(listen(path).rest()) == [("open", None), ("run.created", 2), ("run.failed", 3)]
    for seen in (0, 1):
        resumed = listen(path, last_event_id=str(seen)).rest()
        assert told(resumed) == [("open", seen), ("run.created", 2), ("run.failed", 3)]
    assert told(listen(path, last_event_id="2").rest()) == [("open", 2), ("run.failed", 3)]
    for seen in (3, 4):
        start(client, account)
        over = client.get(path, headers={"last-event-id": str(seen)})
        assert (over.status_code, over.content) == (204, b"")


def test_a_live_run_is_resumed_after_any_event(client: Client, account: Account, listen: Listen) -> None:
    run_id = start(client, account)
    path = f"/runs/{run_id}/events"
    sources = [listen(path, last_event_id="0"), listen(path, last_event_id="1")]
    assert told([sources[0].next(), sources[0].next()]) == [("open", 0), ("run.created", 1)]
    assert told([sources[1].next()]) == [("open", 1)]
    cancel(client, run_id)
    for source in sources:
        assert told(source.rest()) == [("run.failed", 2)]


def test_a_batch_tells_of_its_runs_and_each_run_of_itself(
    client: Client, account: Account, listen: Listen
) -> None:
    one = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    batch = client.post("/runs/batch", json={**target, "starts": [one, one]}).raise_for_status().json()
    members = [run["run_id"] for run in batch["runs"]]
    of_batch, of_member = (listen(f"/runs/{run_id}/events") for run_id in (batch["run_id"], members[0]))
    cancel(client, members[0])
    cancel(client, members[1])
    sent = [(one.type, one.data["run_id"]) for one in of_batch.rest()[1:]]
    assert sorted(sent[:3]) == sorted(("run.created", run_id) for run_id in (batch["run_id"], *members))
    assert sent[3:] == [("run.failed", run_id) for run_id in (*members, batch["run_id"])]
    own = [(one.type, one.data["run_id"]) for one in of_member.rest()[1:]]
    assert own == [("run.created", members[0]), ("run.failed", members[0])]


def test_what_has_expired_or_never_was_resets_the_client(
    api_only: Application, client: Client, account: Account, listen: Listen, of_project: str
) -> None:
    ended, alive = start(client, account), start(client, account)
    cancel(client, ended)
    expire(api_only.services.database, account.project_id, up_to=2)
    assert told([listen(of_project, last_event_id="2").next()]) == [("open", 2)]
    for seen in (0, 1, 4, 2**63 - 1):
        assert told(listen(f"/runs/{ended}/events", last_event_id=str(seen)).rest()) == [("reset", 3)]
        of_run = listen(f"/runs/{alive}/events", last_event_id=str(seen))
        source = listen(of_project, last_event_id=str(seen))
        assert told([of_run.next(), source.next()]) == [("reset", 3), ("reset", 3)]
    # What happens afterwards follows.
    assert told(listen(f"/runs/{ended}/events").rest()) == [("open", None), ("run.failed", 3)]
    cancel(client, alive)
    assert told([source.next(), *of_run.rest()]) == [("run.failed", 4), ("run.failed", 4)]


def test_a_run_whose_events_have_all_expired_resets_the_client_and_ends(
    api_only: Application, client: Client, account: Account, listen: Listen
) -> None:
    run_id = start(client, account)
    cancel(client, run_id)
    expire(api_only.services.database, account.project_id, up_to=2)
    path = f"/runs/{run_id}/events"
    assert told(listen(path).rest()) == [("reset", 2)]
    assert client.get(path, headers={"last-event-id": "2"}).status_code == 204


def test_a_run_without_a_project_has_a_stream_of_its_own(
    api_only: Application, client: Client, account: Account, listen: Listen
) -> None:
    run_id = start(client, account)
    with api_only.services.database.transaction() as tx:
        tx.execute(sa.update(runs.runs).where(runs.runs.c.run_id == run_id).values(project_id=None))
        tx.execute(sa.delete(events.events).where(events.events.c.run_id == run_id))
        events.record(
            tx, [Change(run_id, "run.completed", run_id, run_id, "system", {"status": "completed"})]
        )
    [opened, completed] = listen(f"/runs/{run_id}/events").rest()
    assert told([opened, completed]) == [("open", None), ("run.completed", 1)]
    assert completed.data["project_id"] is None


def test_progress_comes_in_between_without_a_number(
    api_only: Application, client: Client, account: Account, listen: Listen, of_project: str
) -> None:
    run_id = start(client, account)
    source = listen(of_project)
    assert source.next().type == "open"
    picture = "data:image/png;base64,AAAA"
    with api_only.services.database.transaction() as tx:
        row = runs.runs.c.run_id == run_id
        tx.execute(sa.update(runs.runs).where(row).values(state="running", worker_id="wrk_1", claim=1))
        runs.write_progress(tx, "wrk_1", [RunProgress(run_id, run_id, 1, 40, picture)])
    shown = {"run_id": run_id, "root_run_id": run_id, "progress": 40}
    preview = {"type": "imageUrl", "url": picture}
    assert source.next() == Sent("run.progress", None, {**shown, "preview": preview})


def test_a_whole_run_is_told(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    body = account.body(model="t2t-rehearsal", params={"seconds": 0.3})
    run_id = client.post("/generate", json=body).json()["run_id"]
    with listening(application, account) as listen:
        sent = listen(f"/runs/{run_id}/events").rest()
    states = [(one.type, one.data["status"]) for one in sent if one.id is not None]
    assert states == [("run.created", "pending"), ("run.started", "running"), ("run.completed", "completed")]
    assert finished(client, run_id)["status"] == "completed"


@pytest.mark.parametrize("value", ["-1", "1.0", "+1", "1_0", "one", str(2**63), "9" * 5000])
def test_a_wrong_number_is_refused(client: Client, of_project: str, value: str) -> None:
    assert set(rejected_fields(client.get(of_project, params={"after": value}))) == {"after"}
    refused = client.get(of_project, headers={"last-event-id": value})
    assert set(rejected_fields(refused)) == {"last-event-id"}


def test_viewers_may_listen(api_only: Application, account: Account, listen: Listen, of_project: str) -> None:
    viewer = api_only.key(account, role="viewer")
    assert listen(of_project, api_key=viewer.api_key).next().type == "open"


def test_silence_is_filled_until_the_key_is_revoked(
    api_only: Application,
    client: Client,
    account: Account,
    listen: Listen,
    of_project: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SILENCE, 0.1)
    key = api_only.key(account)
    source = listen(of_project, api_key=key.api_key)
    assert source.text().startswith("retry: ")
    assert [source.text(), source.text()] == [": keep-alive\n\n"] * 2
    with api_only.services.database.transaction() as tx:
        accounts.revoke_key(tx, key.key_id)
    assert source.rest() == []


def test_a_revoked_key_ends_a_stream_without_silence(
    api_only: Application, account: Account, listen: Listen, of_project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SILENCE, 0.1)
    key = api_only.key(account)
    source = listen(of_project, api_key=key.api_key)
    with api_only.services.database.transaction() as tx:
        accounts.revoke_key(tx, key.key_id)
    project = account.project_id

    def record() -> None:
        with api_only.services.database.transaction() as tx:
            events.record(tx, [Change(project, "run.started", "run_1", "run_1", "system", {})])

    last: Any = source.next()
    while last is not None:
        record()
        last = next(source.events, None)


def test_streams_end_when_the_process_stops(tmp_path: Any) -> None:
    with open_application(tmp_path, workers=False) as application:
        account = application.account()
        run_id = start(application.client(account.api_key), account)
        paths = (f"/projects/{account.project_id}/events", f"/runs/{run_id}/events")
        sources = [EventSource(application, account.api_key, path) for path in paths]
        application.services.stopping()
        for source in sources:
            assert source.rest()[0].type == "open"


def test_one_workspace_cannot_use_up_the_connections(tmp_path: Any) -> None:
    with open_application(tmp_path, workers=False, max_connections=8) as application:
        account, other, third = application.account(), application.account(), application.account()
        path = f"/projects/{account.project_id}/events"
        with listening(application, account) as listen:
            first, second = listen(path), listen(path)
            assert (first.status, second.status) == (200, 200)
            refused = application.client(account.api_key).get(path)
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 0
            for _ in range(2):
                assert listen(f"/projects/{other.project_id}/events", api_key=other.api_key).status == 200
            # All together, they may have half of the connections.
            full = application.client(third.api_key).get(f"/projects/{third.project_id}/events")
            assert full.status_code == 429
            first.leave()
            assert listen(path).status == 200
