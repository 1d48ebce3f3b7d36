"""Upgrading runs of the server with DBOS to the execution core: none is lost, none is paid twice."""

import base64
import hashlib
import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from terrarium_server import ledger, migrations
from terrarium_server.migrations import Facts
from terrarium_server.store import Database, Transaction, metadata

Row = Mapping[str, Any]

# The engines' errors, see `recorded/`.
DOWN = {
    "error_code": "GENERATION_DOWNSTREAM_SERVICE_ERROR",
    "error_message": "The first provider has trouble (503). Try again later.",
}
BUSY = {
    "error_code": "GENERATION_QUEUE_TOO_LARGE",
    "error_message": "The provider is busy; try again later.",
}
REFUSED = {
    "error_code": "GENERATION_PROMPT_MODERATED",
    "error_message": "The provider refused the prompt. Change the prompt and try again.",
}

# By prompt: engine and model of the ticket, and the first model's error if the ticket is the second's.
CONTINUED: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "waits": ("paid", "t2i-paid", None),
    "waits through two deaths": ("paid", "t2i-paid", None),
    "shows a preview": ("paid", "t2i-paid", None),
    "a text under way": ("paid", "t2t-paid", None),
    "busy, then a ticket": ("paid", "t2i-paid", None),
    "second after a refusal": ("second", "t2i-second", DOWN),
    "second after being busy": ("second", "t2i-second", BUSY),
    "busy twice on each": ("second", "t2i-second", DOWN),
    "second after a failure": (
        "second",
        "t2i-second",
        {
            "error_code": "GENERATION_GENERIC_ERROR",
            "error_message": "t2i-first failed, and so did t2i-second; try once more.",
        },
    ),
    "second after a free one": (
        "second",
        "t2i-second",
        {
            "error_code": "GENERATION_GENERIC_ERROR",
            "error_message": "t2i-local failed, and so did t2i-second; try once more.",
        },
    ),
}
REQUEUED = {"free": 0, "claimed only": 0, "free through two deaths": 1}
FAILED = {
    "never submitted": (
        "SERVER_ERROR",
        "while this run was being handed to its provider, which may have charged",
    ),
    "busy, then nothing": ("SERVER_ERROR", "while this run was being handed to its provider"),
    "free one with a paid second": ("SERVER_ERROR", "while this run was being handed to its provider"),
    "of a model that is gone": ("SERVER_ERROR", "a model that is not known here any more"),
    "second after a failure, second one gone": ("SERVER_ERROR", "a model that is not known here any more"),
    "refused, not failed yet": (REFUSED["error_code"], REFUSED["error_message"]),
    # If both had refused, callers got the first one's error, and still do.
    "refused twice, not failed yet": (DOWN["error_code"], DOWN["error_message"]),
    "refused, second never submitted": (DOWN["error_code"], DOWN["error_message"]),
    "pending, model gone": (
        "GENERATION_ENDPOINT_NOT_FOUND",
        "The model t2i-gone cannot be used on this server",
    ),
}


def rows(tx: Transaction, table: str, order: str = "run_id") -> list[Row]:
    """Return the rows of a table; on SQLite, JSON is text."""
    return [dict(row) for row in tx.execute(sa.text(f"SELECT * FROM {table} ORDER BY {order}")).mappings()]


def by_prompt(database: Database) -> dict[str, Row]:
    """Return the runs by prompt; if two have the same, one of them."""
    with database.transaction() as tx:
        return {row["prompt"]: row for row in rows(tx, "runs")}


def parsed(value: Any) -> Any:
    """Return the value of a JSON column of either database."""
    return json.loads(value) if isinstance(value, str) else value


def holds(tx: Transaction) -> dict[str, int]:
    """Return the amount that is held for each run."""
    entries = rows(tx, "ledger_entries")
    closed = {entry["run_id"] for entry in entries if entry["phase"] == "close"}
    opened = (entry for entry in entries if entry["phase"] == "open" and entry["run_id"] not in closed)
    return {entry["run_id"]: -entry["amount_micros"] for entry in opened}


def check_ledger(database: Database) -> None:
    """Check that the ledger balances, only unfinished runs have holds, and caps count spent credits."""
    with database.transaction() as tx:
        assert ledger.check(tx) == []
        runs = rows(tx, "runs")
        unfinished = {
            row["run_id"]: row["held_micros"] for row in runs if row["state"] in ("pending", "running")
        }
        assert holds(tx) == unfinished
        key_of = {row["run_id"]: row.get("key_id") or row["actor"].removeprefix("key:") for row in runs}
        spent = {
            key["key_id"]: sum(
                row["held_micros"] if row["cost_micros"] is None else row["cost_micros"]
                for row in runs
                if key_of[row["run_id"]] == key["key_id"]
            )
            for key in rows(tx, "api_keys", "key_id")
            if key["spending_cap_micros"] is not None
        }
        assert len(spent) == 1
        for key in rows(tx, "api_keys", "key_id"):
            assert key["spent_micros"] == spent.get(key["key_id"], 0)


def test_every_run_keeps_its_data(recorded: Database, facts: Facts) -> None:
    with recorded.transaction() as tx:
        old = {row["run_id"]: row for row in rows(tx, "runs")}
    migrations.upgrade(recorded, facts)
    with recorded.transaction() as tx:
        new = {row["run_id"]: row for row in rows(tx, "runs")}
    assert new.keys() == old.keys() and len(old) == 32
    same = "workspace_id project_id node_id type prompt held_micros estimated_seconds created_at".split()
    for run_id, before in old.items():
        after = new[run_id]
        assert {name: after[name] for name in same} == {name: before[name] for name in same}
        assert (after["run_type"], after["subject"], after["subject_version"]) == (
            "generation",
            before["model_id"],
            "",
        )
        assert (after["root_run_id"], after["actor"]) == (run_id, f"key:{before['key_id']}")
        if before["state"] in ("completed", "failed"):
            ended = "state cost_micros error_code error_message worker_id started_at completed_at".split()
            assert {name: after[name] for name in ended} == {name: before[name] for name in ended}
            assert (after["engine"], after["fallback"]) == (facts.engines[before["model_id"]], None)
        assert (after["requires"], after["waits_for"], after["priority"], after["due_at"]) == ("", 0, 0, None)
        given = parsed(after["input"])
        assert given == parsed(before["params"])
        derived = int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])
        assert after["seed"] == given.get("seed", derived)
    assert {7, 11, 13, 17} < {row["seed"] for row in new.values()}


def test_pending_runs_stay_in_the_queue(upgraded: Database) -> None:
    with upgraded.transaction() as tx:
        pending = [row for row in rows(tx, "runs") if row["prompt"] == "pending"]
    assert [(row["state"], row["engine"], row["attempts"], row["claim"]) for row in pending] == [
        ("pending", "free", 0, 0),
        ("pending", "paid", 0, 0),
    ]


@pytest.mark.parametrize("prompt", REQUEUED)
def test_a_run_that_reached_no_provider_is_requeued(upgraded: Database, prompt: str) -> None:
    run = by_prompt(upgraded)[prompt]
    assert (run["state"], run["worker_id"], run["started_at"]) == ("pending", None, None)
    assert (run["attempts"], run["claim"], run["fallback"]) == (REQUEUED[prompt], 0, None)


def test_a_run_with_a_ticket_continues_with_it(recorded: Database, facts: Facts, now_ms: int) -> None:
    before = by_prompt(recorded)
    migrations.upgrade(recorded, facts)
    with recorded.transaction() as tx:
        runs = {row["prompt"]: row for row in rows(tx, "runs") if row["state"] == "running"}
        submissions = {row["run_id"]: row for row in rows(tx, "submissions")}
    assert runs.keys() == CONTINUED.keys()
    assert submissions.keys() == {run["run_id"] for run in runs.values()}
    for prompt, (engine, model, failed_with) in CONTINUED.items():
        run = runs[prompt]
        assert (run["worker_id"], run["claim"], run["engine"]) == (None, 1, engine)
        assert run["attempts"] == (1 if prompt == "waits through two deaths" else 0)
        assert run["started_at"] == before[prompt]["started_at"]
        assert parsed(run["fallback"]) == (None if failed_with is None else {"model": model, **failed_with})
        ticket = submissions[run["run_id"]]["ticket"]
        # The scripted engines wrote their name and the prompt on their tickets.
        assert (ticket.split("/")[0], ticket.split("/")[-1]) == (engine, prompt)
        assert submissions[run["run_id"]] == {
            "run_id": run["run_id"],
            "number": 1,
            "engine": engine,
            "model": model,
            "key": run["run_id"],
            "mark": "",
            "state": "open",
            "ticket": ticket,
            "followers": "anyone",
            "worker_id": before[prompt]["worker_id"],
            "process": "",
            "marked_at": now_ms,
        }


@pytest.mark.parametrize("prompt", FAILED)
def test_a_run_that_may_have_been_charged_for_fails(upgraded: Database, now_ms: int, prompt: str) -> None:
    run = by_prompt(upgraded)[prompt]
    code, message = FAILED[prompt]
    assert (run["state"], run["error_code"], run["cost_micros"]) == ("failed", code, 0)
    assert message in run["error_message"]
    assert run["completed_at"] == now_ms
    with upgraded.transaction() as tx:
        [entry] = [
            row
            for row in rows(tx, "ledger_entries")
            if (row["run_id"], row["phase"]) == (run["run_id"], "close")
        ]
    assert (entry["kind"], entry["amount_micros"], entry["created_at"]) == (
        "release",
        run["held_micros"],
        now_ms,
    )
    assert entry["workspace_id"] == run["workspace_id"]


def test_every_unfinished_run_is_covered_here(recorded: Database) -> None:
    unfinished = {prompt for prompt, run in by_prompt(recorded).items() if run["completed_at"] is None}
    assert unfinished == {*CONTINUED, *REQUEUED, *FAILED, "pending"}


@pytest.mark.parametrize("known", [True, False], ids=["models known", "no model known"])
def test_the_ledger_balances_before_and_after(recorded: Database, facts: Facts, *, known: bool) -> None:
    check_ledger(recorded)
    migrations.upgrade(recorded, facts if known else Facts({}, {}))
    check_ledger(recorded)
    if not known:
        states = {run["state"] for run in by_prompt(recorded).values()}
        assert states == {"completed", "failed"}


def test_no_table_of_dbos_and_no_old_worker_is_left(upgraded: Database) -> None:
    inspector = sa.inspect(upgraded.engine)
    assert set(inspector.get_table_names()) == {*metadata.tables, "alembic_version"}
    assert "dbos" not in inspector.get_schema_names()
    with upgraded.transaction() as tx:
        assert rows(tx, "workers", "worker_id") == []
        assert rows(tx, "run_progress") == []


def test_other_tables_stay(recorded: Database, facts: Facts) -> None:
    with recorded.transaction() as tx:
        tx.execute(sa.text("CREATE TABLE notes (text TEXT)"))
        tx.execute(sa.text("INSERT INTO notes VALUES ('mine')"))
    migrations.upgrade(recorded, facts)
    with recorded.transaction() as tx:
        assert [row["text"] for row in rows(tx, "notes", "text")] == ["mine"]


def test_a_database_that_never_had_a_worker(recorded: Database, facts: Facts) -> None:
    """Without DBOS's tables no run was ever submitted to a provider."""
    with recorded.transaction() as tx:
        if recorded.is_sqlite:
            for name in sa.inspect(recorded.engine).get_table_names():
                if name not in {*metadata.tables, "alembic_version"}:
                    tx.execute(sa.text(f"DROP TABLE {name}"))
            # The owner's own table, with the name of one of DBOS's.
            tx.execute(sa.text("CREATE TABLE queues (text TEXT)"))
        else:
            tx.execute(sa.text("DROP SCHEMA dbos CASCADE"))
            tx.execute(sa.text("CREATE SCHEMA dbos CREATE TABLE queues (text TEXT)"))
    migrations.upgrade(recorded, facts)
    check_ledger(recorded)
    states = {prompt: run["state"] for prompt, run in by_prompt(recorded).items()}
    assert {states[prompt] for prompt in CONTINUED} == {"pending"}
    schema = None if recorded.is_sqlite else "dbos"
    assert sa.inspect(recorded.engine).has_table("queues", schema=schema)


def test_attempts_counted_claims_and_count_deaths(recorded: Database, facts: Facts) -> None:
    with recorded.transaction() as tx:
        # Claimed, its worker died, taken over and put back into the queue: one death.
        tx.execute(sa.text("UPDATE runs SET attempts = 1 WHERE prompt = 'pending'"))
    migrations.upgrade(recorded, facts)
    attempts = {prompt: run["attempts"] for prompt, run in by_prompt(recorded).items()}
    assert attempts["pending"] == 1
    assert attempts["waits through two deaths"] == attempts["free through two deaths"] == 1
    assert attempts["a red cube"] == attempts["cancelled while pending"] == 0


@pytest.mark.parametrize(
    ("params", "seed"),
    [
        ('{"seed": 0}', 0),
        ('{"seed": -5, "style": "auto"}', -5),
        ('{"seed": 9007199254740991}', 9007199254740991),
        ('{"seed":42}', 42),
        ('{"seed": 1000000000000000000000}', None),
        ('{"seed": 3.0}', None),
        ('{"seed": 1e3}', None),
        ('{"seed": "7"}', None),
        ('{"seed": true}', None),
        ('{"seed": null}', None),
        ('{"style": "\\"seed\\": 5"}', None),
        ('{"options": {"seed": 5}}', None),
        ('{"style": "\\u0000"}', None),
        ("{}", None),
    ],
)
def test_the_seed_stays_the_one_that_workers_used(
    recorded: Database, facts: Facts, params: str, seed: int | None
) -> None:
    run_id = by_prompt(recorded)["a red cube"]["run_id"]
    value = ":params" if recorded.is_sqlite else "CAST(:params AS json)"
    with recorded.transaction() as tx:
        change = sa.text(f"UPDATE runs SET params = {value} WHERE run_id = :run")
        tx.execute(change, {"params": params, "run": run_id})
    migrations.upgrade(recorded, facts)
    derived = int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:6])
    assert by_prompt(recorded)["a red cube"]["seed"] == (derived if seed is None else seed)


class Malicious:
    """Executes code when it is unpickled without restrictions."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("import builtins; builtins.terrarium_was_here = True",)


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (base64.b64encode(pickle.dumps(Malicious())).decode(), "py_pickle"),
        (base64.b64encode(pickle.dumps({"ticket": Malicious()})).decode(), "py_pickle"),
        (base64.b64encode(pickle.dumps({"ticket": "t"})).decode(), "portable_json"),
        ('{"ticket": "t"}', "portable_json"),
        ("not base64", "py_pickle"),
        (None, "py_pickle"),
    ],
)
def test_a_record_that_cannot_be_trusted_fails_its_run(
    recorded: Database, facts: Facts, output: str | None, written: str
) -> None:
    run_id = by_prompt(recorded)["waits"]["run_id"]
    table = "operation_outputs" if recorded.is_sqlite else "dbos.operation_outputs"
    change = sa.text(
        f"UPDATE {table} SET output = :output, serialization = :written WHERE workflow_uuid = :run"
    )
    with recorded.transaction() as tx:
        tx.execute(change, {"output": output, "written": written, "run": run_id})
    migrations.upgrade(recorded, facts)
    run = by_prompt(recorded)["waits"]
    assert (run["state"], run["error_code"]) == ("failed", "SERVER_ERROR")
    check_ledger(recorded)
    assert "terrarium_was_here" not in vars(__import__("builtins"))
