"""Records name media as we do (`image`); the API names them as FLORA does (`imageUrl`)."""

import pytest
import sqlalchemy as sa

from support.application import Application
from support.server import finished
from terrarium_server import assets


def recorded_types(application: Application, run_id: str) -> list[str]:
    with application.services.database.transaction() as tx:
        return [output.type for output in assets.outputs_of(tx, [run_id])[run_id]]


@pytest.mark.parametrize(
    ("type", "params", "wire_type"),
    [
        ("image", {"resolution": "0.5k"}, "imageUrl"),
        ("video", {"duration": 1}, "videoUrl"),
        ("text", {}, "text"),
    ],
)
def test_a_run_records_our_word_and_shows_floras(
    application: Application, type: str, params: dict[str, object], wire_type: str
) -> None:
    account = application.account()
    client = application.client(account.api_key)
    started = client.post("/generate", json=account.body(type=type, params=params))
    assert started.status_code == 201, started.text
    run = finished(client, started.json()["run_id"])
    assert run["status"] == "completed", run
    assert [output["type"] for output in run["outputs"]] == [wire_type]
    assert recorded_types(application, run["run_id"]) == [type]


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("audio", "audioUrl"),
        # As a worker of an older version records it that was stopped while the database was upgraded.
        ("imageUrl", "imageUrl"),
        ("videoUrl", "videoUrl"),
        ("audioUrl", "audioUrl"),
    ],
)
def test_every_recorded_word_is_shown_as_floras(application: Application, recorded: str, shown: str) -> None:
    account = application.account()
    client = application.client(account.api_key)
    started = client.post("/generate", json=account.body(type="image", params={"resolution": "0.5k"}))
    run_id = finished(client, started.json()["run_id"])["run_id"]
    change = sa.text("UPDATE run_outputs SET type = :type WHERE run_id = :run")
    with application.services.database.transaction() as tx:
        assert tx.execute(change, {"type": recorded, "run": run_id}).rowcount == 1
    assert [output["type"] for output in client.get(f"/runs/{run_id}").json()["outputs"]] == [shown]
