"""Everything that a run depends on is fixed and recorded when it is admitted."""

from dataclasses import dataclass
from typing import Any

import pytest
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH, MAX_CACHED_STATEMENT_PARAMS
from sqlalchemy.dialects.postgresql import psycopg

from support.server import CARDS, Account, new_account
from terrarium_server import accounts, canvas, ids, runs
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission, GenerationRequest, _writes
from terrarium_server.catalog import Catalog, ModelCard, load_cards
from terrarium_server.media import FetchRules
from terrarium_server.runs import Run
from terrarium_server.store import Database


@dataclass(frozen=True)
class AdmittingWorkspace:
    """Admits runs to one workspace."""

    database: Database
    admission: Admission
    account: Account
    caller: Caller

    def admit(self, model: str | None, *, type: str = "image", **params: Any) -> Run:
        target = (self.account.workspace_id, self.account.project_id)
        request = GenerationRequest(*target, type, "a fern", model, params)
        with self.database.transaction() as tx:
            return self.admission.admit(tx, self.caller, request, ids.mint("run")).run

    def read(self, run: Run) -> Run:
        with self.database.transaction() as tx:
            return runs.read_run(tx, run.run_id)


def opened(database: Database, cards: list[ModelCard]) -> AdmittingWorkspace:
    admission = Admission(Catalog(cards), 1_000_000, FetchRules())
    with database.transaction() as tx:
        account = new_account(tx)
        return AdmittingWorkspace(database, admission, account, accounts.authenticate(tx, account.api_key))


@pytest.fixture
def workspace(database: Database) -> AdmittingWorkspace:
    return opened(database, load_cards(CARDS))


def test_a_run_is_recorded_as_it_was_admitted(workspace: AdmittingWorkspace) -> None:
    run = workspace.admit("t2t-rehearsal", type="text", seconds=2)
    assert workspace.read(run) == run
    card = workspace.admission.catalog.get("t2t-rehearsal")
    assert card is not None
    assert (run.run_type, run.type, run.prompt) == ("generation", "text", "a fern")
    assert (run.subject, run.subject_version, run.engine) == (card.id, card.version, "rehearsal")
    assert run.model == card.id
    assert run.input == {"outcome": "completed", "seconds": 2.0}
    assert (run.actor, run.key_id) == (f"key:{workspace.caller.key_id}", workspace.caller.key_id)
    assert (run.state, run.worker_id, run.claim, run.attempts) == ("pending", None, 0, 0)
    # It is its own root, and ready at once.
    assert (run.root_run_id, run.parent_run_id, run.step_path) == (run.run_id, None, None)
    assert (run.waits_for, run.due_at, run.requires, run.fallback) == (0, None, "", None)
    assert (run.held_micros, run.cost_micros) == (250_000, None)
    assert (run.workspace_id, run.project_id) == (
        workspace.account.workspace_id,
        workspace.account.project_id,
    )
    with workspace.database.transaction() as tx:
        [node] = canvas.list_nodes(tx, workspace.account.project_id, limit=9)
    assert (node.node_id, node.run_id, node.label) == (run.node_id, run.run_id, "a fern")


def test_the_model_that_was_chosen_by_default_is_the_subject(workspace: AdmittingWorkspace) -> None:
    chosen = workspace.admission.catalog.choose("image", None)
    run = workspace.admit(None)
    assert (run.subject, run.engine, run.subject_version) == (chosen.id, chosen.engine, chosen.version)


@pytest.mark.parametrize(("seed", "recorded"), [(0, 0), (7, 7), (7.0, 7), (2**53 - 1, 2**53 - 1)])
def test_the_callers_seed_is_the_runs(workspace: AdmittingWorkspace, seed: float, recorded: int) -> None:
    run = workspace.admit("t2i-sketch", seed=seed)
    assert (run.seed, workspace.read(run).seed, run.input["seed"]) == (recorded, recorded, recorded)


def test_without_a_seed_each_run_gets_one_that_is_recorded(workspace: AdmittingWorkspace) -> None:
    admitted = [workspace.admit("t2i-sketch") for _ in range(20)]
    assert len({run.seed for run in admitted}) == 20
    for run in admitted:
        # Every engine and every client can represent such a number exactly.
        assert 0 <= run.seed < 2**48
        assert workspace.read(run).seed == run.seed
        assert "seed" not in run.input


def test_a_model_that_takes_no_seed_has_one_too(workspace: AdmittingWorkspace) -> None:
    run = workspace.admit("t2t-rehearsal", type="text")
    assert 0 <= run.seed < 2**48


def test_a_run_records_the_version_of_its_card(database: Database) -> None:
    cards = {card.id: card for card in load_cards(CARDS)}
    before = opened(database, list(cards.values())).admit("t2i-sketch")
    changed = {**cards["t2i-sketch"].model_dump(), "description": "It paints differently now."}
    cards["t2i-sketch"] = ModelCard.model_validate(changed)
    workspace = opened(database, list(cards.values()))
    after = workspace.admit("t2i-sketch")
    assert before.subject == after.subject
    assert before.subject_version != after.subject_version
    assert workspace.read(before).subject_version == before.subject_version


def test_the_card_names_the_engine(workspace: AdmittingWorkspace) -> None:
    # A worker with that engine may be in another process.
    assert workspace.admit("t2t-elsewhere", type="text").engine == "spare"


def test_the_statement_on_postgresql_is_short_enough_to_be_kept_by_the_driver() -> None:
    # psycopg converts a longer one again for each run, which costs a quarter of an admission.
    compiled = _writes._ALL_AT_ONCE.compile(dialect=psycopg.dialect())
    assert len(str(compiled)) <= MAX_CACHED_STATEMENT_LENGTH
    assert len(compiled.params) <= MAX_CACHED_STATEMENT_PARAMS
