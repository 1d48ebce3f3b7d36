"""What a run is made from is fixed when it is admitted, and recorded with it."""

from dataclasses import dataclass
from typing import Any

import pytest

from support.server import CARDS, Account, new_account
from terrarium_server import accounts, canvas, runs
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission, GenerationRequest, RateLimits
from terrarium_server.catalog import Catalog, ModelCard, load_cards
from terrarium_server.media import FetchRules
from terrarium_server.runs import Run
from terrarium_server.store import Database


@dataclass(frozen=True)
class Office:
    """Admits runs to one workspace."""

    database: Database
    admission: Admission
    account: Account
    caller: Caller

    def admit(self, model: str | None, *, type: str = "image", **params: Any) -> Run:
        ids = (self.account.workspace_id, self.account.project_id)
        request = GenerationRequest(*ids, type, "a fern", model, params)
        with self.database.transaction() as tx:
            return self.admission.admit(tx, self.caller, request, None)

    def read(self, run: Run) -> Run:
        with self.database.transaction() as tx:
            return runs.read_run(tx, run.run_id)


def opened(database: Database, cards: list[ModelCard]) -> Office:
    admission = Admission(Catalog(cards), RateLimits(1_000_000), FetchRules(), lambda: None)
    with database.transaction() as tx:
        account = new_account(tx)
        return Office(database, admission, account, accounts.authenticate(tx, account.api_key))


@pytest.fixture
def office(database: Database) -> Office:
    return opened(database, load_cards(CARDS))


def test_a_run_is_recorded_as_it_was_admitted(office: Office) -> None:
    run = office.admit("t2t-rehearsal", type="text", seconds=2)
    assert office.read(run) == run
    card = office.admission.catalog.get("t2t-rehearsal")
    assert card is not None
    assert (run.run_type, run.type, run.prompt) == ("generation", "text", "a fern")
    assert (run.subject, run.subject_version, run.engine) == (card.id, card.version, "rehearsal")
    assert run.model == card.id
    assert run.input == {"outcome": "completed", "seconds": 2.0}
    assert (run.actor, run.key_id) == (f"key:{office.caller.key_id}", office.caller.key_id)
    assert (run.state, run.worker_id, run.claim, run.attempts) == ("pending", None, 0, 0)
    # It stands on its own, and nothing has to happen before it.
    assert (run.root_run_id, run.parent_run_id, run.step_path) == (run.run_id, None, None)
    assert (run.waits_for, run.due_at, run.requires, run.fallback) == (0, None, "", None)
    assert (run.held_micros, run.cost_micros) == (250_000, None)
    assert (run.workspace_id, run.project_id) == (office.account.workspace_id, office.account.project_id)
    with office.database.transaction() as tx:
        [node] = canvas.list_nodes(tx, office.account.project_id, limit=9)
    assert (node.node_id, node.run_id, node.label) == (run.node_id, run.run_id, "a fern")


def test_the_model_that_was_chosen_for_the_caller_is_the_subject(office: Office) -> None:
    chosen = office.admission.catalog.choose("image", None)
    run = office.admit(None)
    assert (run.subject, run.engine, run.subject_version) == (chosen.id, chosen.engine, chosen.version)


@pytest.mark.parametrize(("asked", "kept"), [(0, 0), (7, 7), (7.0, 7), (2**53 - 1, 2**53 - 1)])
def test_the_callers_seed_is_the_runs(office: Office, asked: float, kept: int) -> None:
    run = office.admit("t2i-sketch", seed=asked)
    assert (run.seed, office.read(run).seed, run.input["seed"]) == (kept, kept, kept)


def test_without_a_seed_each_run_has_its_own_which_stays(office: Office) -> None:
    admitted = [office.admit("t2i-sketch") for _ in range(20)]
    assert len({run.seed for run in admitted}) == 20
    for run in admitted:
        # So that every engine and every client can say it back exactly.
        assert 0 <= run.seed < 2**48
        assert office.read(run).seed == run.seed
        assert "seed" not in run.input


def test_a_model_that_takes_no_seed_has_one_too(office: Office) -> None:
    run = office.admit("t2t-rehearsal", type="text")
    assert 0 <= run.seed < 2**48


def test_a_run_is_of_the_card_as_it_was(database: Database) -> None:
    cards = {card.id: card for card in load_cards(CARDS)}
    before = opened(database, list(cards.values())).admit("t2i-sketch")
    changed = {**cards["t2i-sketch"].model_dump(), "description": "It paints otherwise now."}
    cards["t2i-sketch"] = ModelCard.model_validate(changed)
    office = opened(database, list(cards.values()))
    after = office.admit("t2i-sketch")
    assert before.subject == after.subject
    assert before.subject_version != after.subject_version
    assert office.read(before).subject_version == before.subject_version


def test_who_makes_it_is_said_by_the_card(office: Office) -> None:
    # A worker with that engine may be in another process.
    assert office.admit("t2t-elsewhere", type="text").engine == "spare"
