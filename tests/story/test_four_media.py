"""On a fresh machine a run of every type works without naming a model, and one's output starts the next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.server import Account, Server, finished, running_server


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an empty configuration."""
    folder: Path = tmp_path_factory.mktemp("fresh")
    (folder / "terrarium.toml").write_text("")
    with running_server(folder, config=folder / "terrarium.toml") as running:
        yield running


def make(server: Server, account: Account, prompt: str, **body: Any) -> tuple[str, str, str]:
    """Return the run's id, and the type and content (or link) of its output."""
    with server.client(account.api_key) as terrarium:
        answer = terrarium.post("/generate", json=account.body(prompt, **body))
        assert answer.status_code == 201, answer.text
        run = finished(terrarium, answer.json()["run_id"])
    assert run["status"] == "completed", run
    [output] = run["outputs"]
    return run["run_id"], output["type"], output["url"]


DEFAULTS = {
    "image": "t2i-sketch",
    "video": "t2v-sketch",
    "audio": "t2a-piper-joe",
    "text": "t2t-smollm2-135m",
}
HEADS = {"imageUrl": b"\x89PNG", "videoUrl": b"ftyp", "audioUrl": b"ID3"}
SMALL: dict[str, dict[str, Any]] = {
    "image": {"resolution": "0.5k"},
    "video": {"duration": 1, "resolution": "480p", "fps": 12},
    "audio": {},
    "text": {"max_tokens": 24},
}


@pytest.mark.parametrize("type", DEFAULTS)
def test_every_type_is_generated_without_naming_a_model(fresh: Server, type: str) -> None:
    account = fresh.new_account()
    _, kind, url = make(fresh, account, "A fern on a windowsill.", type=type, params=SMALL[type])
    assert kind == ("text" if type == "text" else f"{type}Url")
    if type == "text":
        assert len(url.split()) > 3
    else:
        assert HEADS[kind] in httpx.get(url).content[:12]
    with fresh.client(account.api_key) as terrarium:
        [row] = terrarium.get("/generations").json()["generations"]
        assert row["model"]["model_id"] == DEFAULTS[type]


def test_a_picture_is_restyled_animated_and_described(fresh: Server) -> None:
    account = fresh.new_account()
    run_id, _, url = make(fresh, account, "A lighthouse", type="image", params=SMALL["image"])
    painted = {"image_url": run_id}
    restyled = make(fresh, account, "paint it", type="image", model="i2i-painter", params=painted)
    assert httpx.get(restyled[2]).content != httpx.get(url).content
    moving = {"image_url": url, **SMALL["video"]}
    moved = make(fresh, account, "a slow push-in", type="video", model="i2v-sketch", params=moving)
    assert b"ftyp" in httpx.get(moved[2]).content[:12]
    described = make(
        fresh, account, "Describe it.", type="text", model="i2t-sketch", params={"image_urls": [run_id]}
    )
    assert "512" in described[2]


def test_an_input_that_a_model_does_not_take_is_refused_by_name(fresh: Server) -> None:
    account = fresh.new_account()
    body = account.body(
        "a fern", type="image", model="t2i-sketch", params={"image_url": "https://x.example/a.png"}
    )
    with fresh.client(account.api_key) as terrarium:
        refused = terrarium.post("/generate", json=body)
        assert refused.status_code == 400
        [field] = refused.json()["error"]["fields"]
        assert field["field"] == "params.image_url"
        assert "takes no image" in field["message"] and "aspect_ratio" in field["message"]


def test_an_unavailable_model_says_what_is_missing(fresh: Server) -> None:
    with fresh.client() as terrarium:
        listed = {row["model_id"]: row for row in terrarium.get("/models?all=true").json()["models"]}
        usable = {row["model_id"] for row in terrarium.get("/models").json()["models"]}
    assert set(DEFAULTS.values()) <= usable
    missing = {name: row["unavailable"] for name, row in listed.items() if name not in usable}
    assert missing and all("terrarium.toml" in reason for reason in missing.values())
