"""The same prompt, parameters and seed give the same bytes."""

import httpx

from support.server import Account, Server, finished

PARAMS = {"seed": 42, "resolution": "0.5k", "aspect_ratio": "16:9"}


def picture(server: Server, account: Account, params: dict[str, object]) -> bytes:
    body = account.body("A fox under a birch tree, watercolour", type="image", params=params)
    with server.client(account.api_key) as terrarium:
        run = finished(terrarium, terrarium.post("/generate", json=body).json()["run_id"])
    return httpx.get(run["outputs"][0]["url"]).content


def test_the_same_seed_gives_the_same_bytes(server: Server) -> None:
    account = server.new_account()
    first = picture(server, account, PARAMS)
    assert picture(server, account, PARAMS) == first
    # FLORA's older spelling of the same ratio is the same picture.
    assert picture(server, account, {**PARAMS, "aspect_ratio": "landscape_16_9"}) == first


def test_another_seed_gives_another_picture(server: Server) -> None:
    account = server.new_account()
    assert picture(server, account, PARAMS) != picture(server, account, {**PARAMS, "seed": 43})


def test_without_a_seed_every_run_gets_its_own(server: Server) -> None:
    account = server.new_account()
    unseeded: dict[str, object] = {"resolution": "0.5k"}
    assert picture(server, account, unseeded) != picture(server, account, unseeded)
