"""A text is generated like a picture; the text itself is in the output's `url`."""

from support.server import Server, finished


def test_a_text_is_in_the_url_of_its_output(server: Server) -> None:
    account = server.new_account()
    with server.client(account.api_key) as terrarium:
        answer = terrarium.post("/generate", json=account.body("A lighthouse in a storm", type="text"))
        assert answer.status_code == 201
        run = finished(terrarium, answer.json()["run_id"])
        assert run["status"] == "completed"
        [output] = run["outputs"]
        assert output["type"] == "text"
        assert "lighthouse" in output["url"].lower()

        [node] = terrarium.get(f"/projects/{account.project_id}/nodes").json()["nodes"]
        assert (node["type"], node["url"]) == ("text", output["url"])
