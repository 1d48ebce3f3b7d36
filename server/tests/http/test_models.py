"""The list of models: options as text, and what changes while the server runs."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.application import Application, Client, open_application
from support.envelope import rejected_fields
from support.server import DEADLINE, Account
from terrarium_server import runs
from terrarium_server.catalog import ModelCard, pull

CARD = """
id = "t2t-heavy"
name = "With weights"
type = "text"
provider = "tests"
engine = "rehearsal"
description = "Needs weights."
estimated_seconds = 1
max_prompt = 10

[weights]
source = "file:{file}"
sha256 = "{sha256}"
bytes = 7
licence = "MIT"

[[params]]
name = "duration"
type = "int"
default = 5
options = [5, 10]

[[params]]
name = "speed"
type = "float"
options = [0.5, 1.0]

[[params]]
name = "resolution"
type = "string"
options = ["480p", "720p"]

[[params]]
name = "image_urls"
type = "string[]"
media = "image"
max_items = 2
"""


@contextmanager
def open_heavy(folder: Path) -> Iterator[tuple[Application, ModelCard]]:
    """Open the application with a model whose weights have not been pulled."""
    file = folder / "model.bin"
    file.write_bytes(b"weights")
    (folder / "cards").mkdir()
    text = CARD.format(file=file, sha256=hashlib.sha256(b"weights").hexdigest())
    (folder / "cards/heavy.toml").write_text(text)
    (folder / "terrarium.toml").write_text('[[engine]]\nkind = "rehearsal"\nname = "rehearsal"\n')
    settings = {
        "cards_dir": folder / "cards",
        "config": folder / "terrarium.toml",
        "weights_dir": folder / "weights",
    }
    with open_application(folder / "data", workers=False, **settings) as opened:
        card = opened.services.catalog.get("t2t-heavy")
        assert card is not None
        yield opened, card


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with open_heavy(tmp_path_factory.mktemp("heavy")) as (opened, card):
        pull(card, opened.services.weights, lambda _: None)
        account = opened.account()
        until_listed(opened.client(account.api_key))
        yield opened


@pytest.fixture(scope="module")
def account(heavy: Application) -> Account:
    return heavy.account()


@pytest.fixture
def client(heavy: Application, account: Account) -> Client:
    return heavy.client(account.api_key)


def listed(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    return {model["model_id"]: model for model in client.get(f"/models{query}").json()["models"]}


def until_listed(client: Client) -> None:
    deadline = time.monotonic() + DEADLINE
    while "t2t-heavy" not in listed(client, "?type=text"):
        assert time.monotonic() < deadline, "the weights were not noticed"
        time.sleep(0.2)


def test_a_pull_while_the_server_runs_is_noticed(tmp_path: Path) -> None:
    with open_heavy(tmp_path) as (opened, card):
        client = opened.client(opened.account().api_key)
        assert "t2t-heavy" not in listed(client)
        assert "terrarium models pull t2t-heavy" in listed(client, "?all=true")["t2t-heavy"]["unavailable"]
        pull(card, opened.services.weights, lambda _: None)
        until_listed(client)
        assert "unavailable" not in listed(client, "?all=true")["t2t-heavy"]


def test_options_are_listed_as_text_and_defaults_as_they_are(client: Client) -> None:
    params = {param["name"]: param for param in listed(client, "?all=true")["t2t-heavy"]["params"]}
    values = {
        name: [option["value"] for option in param.get("options", [])] for name, param in params.items()
    }
    assert values == {
        "duration": ["5", "10"],
        "speed": ["0.5", "1"],
        "resolution": ["480p", "720p"],
        "image_urls": [],
    }
    assert params["duration"]["default"] == 5
    assert params["image_urls"]["max"] == 2


@pytest.mark.parametrize(
    ("param", "recorded"),
    [
        ({"duration": "10"}, {"duration": 10}),
        ({"duration": 10}, {"duration": 10}),
        ({"duration": 10.0}, {"duration": 10}),
        ({"speed": "1"}, {"duration": 5, "speed": 1.0}),
        ({"speed": 0.5}, {"duration": 5, "speed": 0.5}),
        ({"resolution": "480p"}, {"duration": 5, "resolution": "480p"}),
    ],
)
def test_a_start_takes_an_option_as_text_and_as_a_number(
    heavy: Application, client: Client, account: Account, param: dict[str, Any], recorded: dict[str, Any]
) -> None:
    answer = client.post("/generate", json=account.body("a fern", model="t2t-heavy", params=param))
    assert answer.status_code == 201, answer.text
    with heavy.services.database.transaction() as tx:
        assert runs.read_run(tx, answer.json()["run_id"]).input == recorded


def test_a_prompt_and_links_beyond_what_the_model_takes_are_refused(client: Client, account: Account) -> None:
    links = ["https://example.com/a.png"] * 3
    body = account.body("x" * 11, model="t2t-heavy", params={"image_urls": links})
    assert rejected_fields(client.post("/generate", json=body)) == {
        "prompt": "Must have at most 10 characters",
        "params.image_urls": "Must have 1 to 2 links",
    }


def test_an_unchanged_list_is_the_same_answer(client: Client) -> None:
    assert client.get("/models").content == client.get("/models").content
