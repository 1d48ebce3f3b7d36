"""A published id stands for a model of this server: replies show the id that was requested."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.application import Application, Client, empty_database, open_application
from support.envelope import rejected_fields
from support.server import Account, finished
from terrarium_server import runs
from terrarium_server.settings import Settings

ALIASES = """
[defaults]
image = "t2i-sketch"
text = "t2t-sketch"

[aliases]
"t2t-gpt-9" = "t2t-rehearsal"
"t2i-*" = "t2i-sketch"
"t2i-flux-schnell-fal" = "t2i-sketch"
"""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    with empty_database(request) as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def aliased(folder: Path, database_url: str | None) -> Iterator[Application]:
    config = folder / "terrarium.toml"
    config.write_text(ALIASES)
    with open_application(folder, workers=True, database_url=database_url, config=config) as opened:
        yield opened


@pytest.fixture
def account(aliased: Application) -> Account:
    return aliased.account()


@pytest.fixture
def client(aliased: Application, account: Account) -> Client:
    return aliased.client(account.api_key)


def started(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/generate", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("type", "asked", "model"),
    [
        ("text", "t2t-gpt-9", "t2t-rehearsal"),
        ("image", "t2i-flux-2-pro", "t2i-sketch"),
        ("image", "t2i-flux-schnell-fal", "t2i-sketch"),
        ("text", "t2t-rehearsal", "t2t-rehearsal"),
        ("text", None, "t2t-sketch"),
    ],
)
def test_every_reply_shows_the_requested_id_and_the_model_does_the_work(
    aliased: Application, client: Client, account: Account, type: str, asked: str | None, model: str
) -> None:
    body = account.body(type=type, params={"resolution": "0.5k"} if type == "image" else {})
    body |= {"model": asked} if asked else {}
    shown = {"model_id": asked or model}
    assert client.post("/runs/estimate", json=body).json()["model"] == shown
    start = started(client, body)
    assert start["model"] == shown
    assert finished(client, start["run_id"])["status"] == "completed"
    [row] = client.get("/generations").json()["generations"]
    assert row["model"] == shown
    card = aliased.services.catalog.get(model)
    assert card is not None
    with aliased.services.database.transaction() as tx:
        run = runs.read_run(tx, start["run_id"])
    assert (run.subject, run.subject_version, run.engine) == (card.id, card.version, card.engine)
    assert run.requested_model == (asked if asked != model else None)


def test_the_parameters_are_those_of_the_model(client: Client, account: Account) -> None:
    body = account.body(type="image", model="t2i-flux-2-pro", params={"guidance": 3})
    rejected = rejected_fields(client.post("/generate", json=body))
    assert rejected["params.guidance"].startswith("Unknown parameter; t2i-sketch takes: ")


def test_a_pattern_does_not_apply_to_another_type(client: Client, account: Account) -> None:
    rejected = rejected_fields(client.post("/generate", json=account.body(model="t2i-flux-2-pro")))
    assert rejected["model"].startswith("Unknown model; models of type text: ")


def test_the_list_has_the_models_and_what_they_stand_for(client: Client) -> None:
    models = {each["model_id"]: each for each in client.get("/models?all=true").json()["models"]}
    assert models["t2i-sketch"]["aliases"] == ["t2i-*", "t2i-flux-schnell-fal"]
    assert models["t2t-rehearsal"]["aliases"] == ["t2t-gpt-9"]
    assert "aliases" not in models["t2t-sketch"]
    assert models.keys() & {"t2i-*", "t2t-gpt-9", "t2i-flux-schnell-fal"} == set()


def test_a_run_shows_the_requested_id_after_the_alias_is_gone(tmp_path: Path, aliased: Application) -> None:
    account = aliased.account()
    start = started(aliased.client(account.api_key), account.body(model="t2t-gpt-9"))
    settings: Settings = aliased.services.settings
    later = {"database_url": settings.database, "config": tmp_path / "terrarium.toml"}
    (tmp_path / "terrarium.toml").write_text("")
    with open_application(tmp_path, workers=False, **later) as without_aliases:
        client = without_aliases.client(account.api_key)
        assert client.get(f"/runs/{start['run_id']}").json()["model"] == {"model_id": "t2t-gpt-9"}
        [row] = client.get("/generations").json()["generations"]
        assert (row["run_id"], row["model"]) == (start["run_id"], {"model_id": "t2t-gpt-9"})
        refused = client.post("/generate", json=account.body(model="t2t-gpt-9"))
        assert rejected_fields(refused)["model"].startswith("Unknown model; ")


def test_a_run_is_repeated_with_its_own_model_whatever_the_alias_stands_for_now(
    tmp_path: Path, aliased: Application
) -> None:
    account = aliased.account()
    client = aliased.client(account.api_key)
    started_id = started(client, account.body(model="t2t-gpt-9", params={"seconds": 0}))["run_id"]
    again = client.post(f"/runs/{started_id}/rerun").raise_for_status().json()
    assert again["model"] == {"model_id": "t2t-gpt-9"}
    for text in ("", '[aliases]\n"t2t-gpt-9" = "t2t-spare"\n'):
        (tmp_path / "terrarium.toml").write_text(text)
        later = {"database_url": aliased.services.settings.database, "config": tmp_path / "terrarium.toml"}
        with open_application(tmp_path, workers=False, **later) as changed:
            client = changed.client(account.api_key)
            again = client.post(f"/runs/{started_id}/rerun").raise_for_status().json()
            assert again["model"] == {"model_id": "t2t-rehearsal"}


def test_a_run_of_a_model_that_is_gone_is_not_repeated_with_another(
    tmp_path: Path, aliased: Application
) -> None:
    account = aliased.account()
    run_id = started(aliased.client(account.api_key), account.body(model="t2t-gpt-9"))["run_id"]
    (tmp_path / "terrarium.toml").write_text("")
    later = {"database_url": aliased.services.settings.database, "config": tmp_path / "terrarium.toml"}
    with open_application(tmp_path, workers=False, cards_dir=None, **later) as without_card:
        client = without_card.client(account.api_key)
        refused = client.post(f"/runs/{run_id}/rerun")
        assert rejected_fields(refused)["model"].startswith("Unknown model; ")
        other = client.post(f"/runs/{run_id}/rerun", json={"model": "t2t-sketch"})
        assert other.status_code == 201
