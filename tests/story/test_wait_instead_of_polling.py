"""`Prefer: wait=N` answers as soon as the run has ended, so that clients need not poll."""

from support.server import Server


def test_one_request_waits_for_the_run(server: Server) -> None:
    account = server.new_account()
    body = account.body("A lighthouse", model="t2t-rehearsal", params={"seconds": 0.5})
    with server.client(account.api_key) as terrarium:
        started = terrarium.post("/generate", json=body).json()
        answer = terrarium.get(started["poll_url"], headers={"Prefer": "wait=50"})
        assert answer.headers["preference-applied"] == "wait=50"
        assert answer.json()["status"] == "completed"

        # A client that has the current state gets an empty answer.
        tag = {"If-None-Match": answer.headers["etag"]}
        assert terrarium.get(started["poll_url"], headers=tag).status_code == 304


def test_a_start_may_wait_for_its_run(server: Server) -> None:
    account = server.new_account()
    body = account.body("A lighthouse", model="t2t-rehearsal", params={"seconds": 0.5})
    with server.client(account.api_key) as terrarium:
        started = terrarium.post("/generate", json=body, headers={"Prefer": "wait=30"}).json()
        assert started["run"]["status"] == "completed"
        assert started["run"]["outputs"][0]["url"]
        assert terrarium.get(started["poll_url"]).json() == started["run"]
