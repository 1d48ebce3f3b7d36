"""How the clients are told their options, and what a request carries."""

import logging
import subprocess
import sys

import httpx
import pytest

import terrarium
from terrarium import AsyncFlora, Flora, MissingAPIKeyError, Omit

from .scripted import KEY, START, STARTED, Answer, Clients, ScriptedServer, run

RUN_1 = Answer(200, run())


class TestOptions:
    def test_defaults(self) -> None:
        with Flora() as client:
            assert str(client.base_url) == "http://127.0.0.1:8787/api/v1/"
            assert client.timeout == httpx.Timeout(60, connect=5)
            assert client.max_retries == 2
            assert client.api_key is None

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERRARIUM_API_KEY", "sk_live_terrarium")
        monkeypatch.setenv("FLORA_BASE_URL", " https://flora.example/api/v1/\n")
        with Flora() as client:
            assert client.api_key == "sk_live_terrarium"
            assert str(client.base_url) == "https://flora.example/api/v1/"
        monkeypatch.setenv("FLORA_API_KEY", " sk_live_flora\n")
        with Flora() as client:
            assert client.api_key == "sk_live_flora"
        with Flora(api_key="sk_live_told", base_url="http://told/api") as client:
            assert client.api_key == "sk_live_told"
            assert str(client.base_url) == "http://told/api/"

    def test_nonsense_is_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="base_url must be an http"):
            Flora(base_url="127.0.0.1:8787")
        with pytest.raises(ValueError, match="max_retries"):
            Flora(max_retries=-1)

    def test_aliases(self) -> None:
        assert terrarium.Client is Flora
        assert terrarium.AsyncClient is AsyncFlora
        assert set(terrarium.__all__) <= set(dir(terrarium))
        assert all(getattr(terrarium, name) for name in terrarium.__all__)
        with pytest.raises(AttributeError, match="Fauna"):
            _ = terrarium.Fauna  # type: ignore[attr-defined]

    def test_with_options_keeps_the_rest(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]

        def call(client: Flora) -> object:
            other = client.with_options(
                max_retries=5, timeout=7.0, default_headers={"x-more": "2"}, default_query={"b": 2}
            )
            assert (other.max_retries, other.timeout) == (5, 7.0)
            assert (other.api_key, other.base_url) == (client.api_key, client.base_url)
            assert client.max_retries == 2
            assert type(client.copy()) is type(client)
            return other.runs.retrieve("run_1")

        flora(call, default_headers={"x-one": "1"}, default_query={"a": True})
        seen = server.seen[0]
        assert (seen.headers["x-one"], seen.headers["x-more"]) == ("1", "2")
        assert seen.query == {"a": "true", "b": "2"}

    def test_importing_the_package_imports_no_http_client(self) -> None:
        code = "import sys, terrarium; assert not {'httpx', 'pydantic'} & {*sys.modules}; terrarium.Flora"
        subprocess.run([sys.executable, "-c", code], check=True)


class TestRequests:
    def test_headers(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Answer(201, STARTED), RUN_1]
        flora(lambda client: client.runs.start_generation(**START, params={"seed": 7}))
        flora(lambda client: client.runs.retrieve("run_1"))
        post, get = server.seen
        name = "Flora" if flora.colour == "sync" else "AsyncFlora"
        assert post.headers["user-agent"] == f"{name}/Python {terrarium.__version__}"
        assert post.headers["authorization"] == f"Bearer {KEY}"
        assert post.headers["accept"] == "application/json"
        assert post.headers["content-type"] == "application/json"
        assert "content-type" not in get.headers
        # An argument that was not given is not sent, not even as null.
        assert post.body == {**START, "params": {"seed": 7}}

    def test_extras_win(
        self, flora: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FLORA_CUSTOM_HEADERS", "X-Team: plants\nAccept: text/plain\nnonsense")
        server.script = [Answer(201, STARTED)]
        flora(
            lambda client: client.runs.start_generation(
                **START,
                extra_headers={"ACCEPT": "application/json", "User-Agent": Omit()},
                extra_query={"note": "a b&c", "none": None},
                extra_body={"callback_url": "https://hooks.example"},
            )
        )
        seen = server.seen[0]
        assert (seen.headers["x-team"], seen.headers["accept"]) == ("plants", "application/json")
        assert not seen.headers["user-agent"].startswith(("Flora", "AsyncFlora"))
        assert seen.query == {"note": "a b&c", "none": ""}
        assert seen.body["callback_url"] == "https://hooks.example"

    def test_a_key_of_ones_own(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(
            lambda client: client.runs.retrieve("run_1", extra_headers={"authorization": "Bearer other"}),
            api_key=None,
        )
        assert server.seen[0].headers["authorization"] == "Bearer other"

    def test_no_key_on_purpose(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(lambda client: client.runs.retrieve("run_1"), default_headers={"Authorization": Omit()})
        assert "authorization" not in server.seen[0].headers

    @pytest.mark.parametrize("run_id", ["", ".", ".."])
    def test_ids_cannot_leave_their_place(self, flora: Clients, run_id: str) -> None:
        with pytest.raises(ValueError, match="cannot stand in the path"):
            flora(lambda client: client.runs.retrieve(run_id))

    def test_ids_are_encoded(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(lambda client: client.runs.retrieve("../projects?x=é"))
        assert server.seen[0].path == "/api/v1/runs/..%2Fprojects%3Fx=%C3%A9"

    def test_the_key_stays_with_its_server(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Answer(200, {"ok": True})]
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        assert flora(lambda client: client.get(f"{elsewhere}/thing")) == {"ok": True}
        assert "authorization" not in server.seen[0].headers

    def test_requests_are_logged_without_the_key(
        self, flora: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.script = [Answer(503), RUN_1]
        with caplog.at_level(logging.DEBUG, "flora"):
            flora(lambda client: client.runs.retrieve("run_1"))
        assert "status 503; again in 0.50 s" in caplog.text
        assert KEY not in caplog.text


class TestUndocumented:
    @pytest.mark.parametrize("verb", ["post", "patch", "put", "delete"])
    def test_writes(self, flora: Clients, server: ScriptedServer, verb: str) -> None:
        server.script = [Answer(503), Answer(200, {"done": True})]
        result = flora(lambda client: getattr(client, verb)("/things/1", body={"a": 1}, query={"q": 1}))
        assert result == {"done": True}
        first, second = server.seen
        assert (first.method, first.path) == (verb.upper(), "/api/v1/things/1")
        assert (first.query, first.body) == ({"q": "1"}, {"a": 1})
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]

    def test_a_post_without_body_sends_none(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Answer(204)]
        assert flora(lambda client: client.post("/assets/asset_1/complete")) is None
        assert server.seen[0].raw == b""
        assert "content-type" not in server.seen[0].headers

    def test_reads(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Answer(200, b"pong", {"content-type": "text/plain"}), RUN_1]
        assert flora(lambda client: client.get("/ping")) == "pong"
        found = flora(lambda client: client.get("/runs/run_1", cast_to=terrarium.types.Run))
        assert found.run_id == "run_1"
        assert "idempotency-key" not in server.seen[0].headers


class TestAnswers:
    def test_what_a_newer_server_says_is_kept(self, flora: Clients, server: ScriptedServer) -> None:
        output = {"output_id": "o", "type": "modelUrl", "url": "https://x/y", "depth": 3}
        server.script = [Answer(200, run(status="paused", stage="drying", outputs=[output]))]
        found = flora(lambda client: client.runs.retrieve("run_1"))
        assert found.status == "paused"
        assert found.stage == "drying"
        assert found.outputs[0].type == "modelUrl"
        assert found.outputs[0].depth == 3
        assert found.to_dict()["outputs"] == [output]

    def test_only_what_was_sent_is_given_back(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        found = flora(lambda client: client.runs.retrieve("run_1"))
        assert found.to_dict() == run()
        assert '"run_id": "run_1"' in found.to_json()
        assert found.charged_cost is None

    @pytest.mark.parametrize(
        ("call", "body", "shape"),
        [
            (lambda c: c.runs.retrieve("run_1"), run(), "Run"),
            (lambda c: c.runs.start_generation(**START), STARTED, "RunStarted"),
            (lambda c: c.generations.create(**START), STARTED, "RunStarted"),
            (lambda c: c.generations.retrieve("run_1"), run(), "Run"),
            (lambda c: c.models.list(type="image"), {"models": []}, "ModelList"),
            (lambda c: c.workspaces.list(), {"workspaces": []}, "WorkspaceList"),
        ],
    )
    def test_raw(
        self, flora: Clients, server: ScriptedServer, call: object, body: object, shape: str
    ) -> None:
        server.script = [Answer(503), Answer(200, body, {"request-id": "req_9", "x-more": "1"})]

        class Raw:
            """Calls ``with_raw_response`` of whatever resource is asked for."""

            def __init__(self, client: Flora) -> None:
                self.client = client

            def __getattr__(self, name: str) -> object:
                return getattr(self.client, name).with_raw_response

        response = flora(lambda client: call(Raw(client)))  # type: ignore[operator]
        assert (response.status_code, response.request_id, response.retries_taken) == (200, "req_9", 1)
        assert response.headers["X-More"] == "1"
        assert type(response.parse()).__name__ == shape
        assert response.parse() is response.parse()
        assert response.content


def test_closed_clients_are_closed() -> None:
    client = Flora(api_key="k")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.workspaces.list()


def test_a_missing_key_is_no_matter_until_it_is_used() -> None:
    with Flora() as client, pytest.raises(MissingAPIKeyError):
        client.workspaces.list()
