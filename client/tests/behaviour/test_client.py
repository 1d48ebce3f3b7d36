"""The options of the clients, and what their requests contain."""

import logging
import subprocess
import sys

import httpx
import pytest

import terrarium
from terrarium import AsyncFlora, Flora, MissingAPIKeyError, Omit

from .scripted import KEY, START, STARTED, Clients, Response, ScriptedServer, run

RUN_1 = Response(200, run())


class TestOptions:
    def test_options_have_defaults(self) -> None:
        with Flora() as client:
            assert str(client.base_url) == "http://127.0.0.1:8787/api/v1/"
            assert client.timeout == httpx.Timeout(60, connect=5)
            assert client.max_retries == 2
            assert client.api_key is None

    def test_arguments_override_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERRARIUM_API_KEY", "sk_live_terrarium")
        monkeypatch.setenv("FLORA_BASE_URL", " https://flora.example/api/v1/\n")
        with Flora() as client:
            assert client.api_key == "sk_live_terrarium"
            assert str(client.base_url) == "https://flora.example/api/v1/"
        monkeypatch.setenv("FLORA_API_KEY", " sk_live_flora\n")
        with Flora() as client:
            assert client.api_key == "sk_live_flora"
        with Flora(api_key="sk_live_argument", base_url="http://argument/api") as client:
            assert client.api_key == "sk_live_argument"
            assert str(client.base_url) == "http://argument/api/"

    def test_invalid_options_are_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="base_url must be an http"):
            Flora(base_url="127.0.0.1:8787")
        with pytest.raises(ValueError, match="max_retries"):
            Flora(max_retries=-1)

    def test_all_names_can_be_imported(self) -> None:
        assert terrarium.Client is Flora
        assert terrarium.AsyncClient is AsyncFlora
        assert set(terrarium.__all__) <= set(dir(terrarium))
        assert all(getattr(terrarium, name) for name in terrarium.__all__)
        with pytest.raises(AttributeError, match="Fauna"):
            _ = terrarium.Fauna  # type: ignore[attr-defined]

    def test_with_options_keeps_the_other_options(self, flora: Clients, server: ScriptedServer) -> None:
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
        request = server.requests[0]
        assert (request.headers["x-one"], request.headers["x-more"]) == ("1", "2")
        assert request.query == {"a": "true", "b": "2"}

    def test_importing_the_package_imports_no_http_client(self) -> None:
        code = "import sys, terrarium; assert not {'httpx', 'pydantic'} & {*sys.modules}; terrarium.Flora"
        subprocess.run([sys.executable, "-c", code], check=True)


class TestRequests:
    def test_requests_have_the_usual_headers(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(201, STARTED), RUN_1]
        flora(lambda client: client.runs.start_generation(**START, params={"seed": 7}))
        flora(lambda client: client.runs.retrieve("run_1"))
        post, get = server.requests
        name = "Flora" if flora.mode == "sync" else "AsyncFlora"
        assert post.headers["user-agent"] == f"{name}/Python {terrarium.__version__}"
        assert post.headers["authorization"] == f"Bearer {KEY}"
        assert post.headers["accept"] == "application/json"
        assert post.headers["content-type"] == "application/json"
        assert "content-type" not in get.headers
        # An argument that was not given is not sent, not even as null.
        assert post.body == {**START, "params": {"seed": 7}}

    def test_extras_override_defaults(
        self, flora: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FLORA_CUSTOM_HEADERS", "X-Team: plants\nAccept: text/plain\nnonsense")
        server.script = [Response(201, STARTED)]
        flora(
            lambda client: client.runs.start_generation(
                **START,
                extra_headers={"ACCEPT": "application/json", "User-Agent": Omit()},
                extra_query={"note": "a b&c", "none": None},
                extra_body={"callback_url": "https://hooks.example"},
            )
        )
        request = server.requests[0]
        assert (request.headers["x-team"], request.headers["accept"]) == ("plants", "application/json")
        assert not request.headers["user-agent"].startswith(("Flora", "AsyncFlora"))
        assert request.query == {"note": "a b&c", "none": ""}
        assert request.body["callback_url"] == "https://hooks.example"

    def test_an_authorization_header_replaces_the_key(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(
            lambda client: client.runs.retrieve("run_1", extra_headers={"authorization": "Bearer other"}),
            api_key=None,
        )
        assert server.requests[0].headers["authorization"] == "Bearer other"

    def test_the_key_can_be_omitted(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(lambda client: client.runs.retrieve("run_1"), default_headers={"Authorization": Omit()})
        assert "authorization" not in server.requests[0].headers

    @pytest.mark.parametrize("run_id", ["", ".", ".."])
    def test_an_id_cannot_change_the_path(self, flora: Clients, run_id: str) -> None:
        with pytest.raises(ValueError, match="cannot be used in the path"):
            flora(lambda client: client.runs.retrieve(run_id))

    def test_ids_are_encoded(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        flora(lambda client: client.runs.retrieve("../projects?x=é"))
        assert server.requests[0].path == "/api/v1/runs/..%2Fprojects%3Fx=%C3%A9"

    def test_the_key_is_not_sent_to_another_server(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(200, {"ok": True})]
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        assert flora(lambda client: client.get(f"{elsewhere}/thing")) == {"ok": True}
        assert "authorization" not in server.requests[0].headers

    def test_requests_are_logged_without_the_key(
        self, flora: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.script = [Response(503), RUN_1]
        with caplog.at_level(logging.DEBUG, "flora"):
            flora(lambda client: client.runs.retrieve("run_1"))
        assert "status 503; retrying in 0.50 s" in caplog.text
        assert KEY not in caplog.text


class TestUndocumented:
    @pytest.mark.parametrize("verb", ["post", "patch", "put", "delete"])
    def test_writes_are_retried_with_one_key(self, flora: Clients, server: ScriptedServer, verb: str) -> None:
        server.script = [Response(503), Response(200, {"done": True})]
        result = flora(lambda client: getattr(client, verb)("/things/1", body={"a": 1}, query={"q": 1}))
        assert result == {"done": True}
        first, second = server.requests
        assert (first.method, first.path) == (verb.upper(), "/api/v1/things/1")
        assert (first.query, first.body) == ({"q": "1"}, {"a": 1})
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]

    def test_a_post_without_body_sends_none(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(204)]
        assert flora(lambda client: client.post("/assets/asset_1/complete")) is None
        assert server.requests[0].raw == b""
        assert "content-type" not in server.requests[0].headers

    def test_reads_return_json_text_or_a_type(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(200, b"pong", {"content-type": "text/plain"}), RUN_1]
        assert flora(lambda client: client.get("/ping")) == "pong"
        read = flora(lambda client: client.get("/runs/run_1", cast_to=terrarium.types.Run))
        assert read.run_id == "run_1"
        assert "idempotency-key" not in server.requests[0].headers


class TestResponses:
    def test_unknown_values_of_a_newer_server_are_kept(self, flora: Clients, server: ScriptedServer) -> None:
        output = {"output_id": "o", "type": "modelUrl", "url": "https://x/y", "depth": 3}
        server.script = [Response(200, run(status="paused", stage="drying", outputs=[output]))]
        received = flora(lambda client: client.runs.retrieve("run_1"))
        assert received.status == "paused"
        assert received.stage == "drying"
        assert received.outputs[0].type == "modelUrl"
        assert received.outputs[0].depth == 3
        assert received.to_dict()["outputs"] == [output]

    def test_to_dict_has_only_the_fields_that_were_sent(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [RUN_1]
        received = flora(lambda client: client.runs.retrieve("run_1"))
        assert received.to_dict() == run()
        assert '"run_id": "run_1"' in received.to_json()
        assert received.charged_cost is None

    @pytest.mark.parametrize(
        ("call", "body", "shape"),
        [
            (lambda c: c.runs.retrieve("run_1"), run(), "RunDetail"),
            (lambda c: c.runs.start_generation(**START), STARTED, "RunStarted"),
            (lambda c: c.generations.create(**START), STARTED, "RunStarted"),
            (lambda c: c.generations.retrieve("run_1"), run(), "RunDetail"),
            (lambda c: c.models.list(type="image"), {"models": []}, "ModelList"),
            (lambda c: c.workspaces.list(), {"workspaces": []}, "WorkspaceList"),
        ],
    )
    def test_raw_responses_have_status_headers_and_content(
        self, flora: Clients, server: ScriptedServer, call: object, body: object, shape: str
    ) -> None:
        server.script = [Response(503), Response(200, body, {"request-id": "req_9", "x-more": "1"})]

        class Raw:
            """Returns ``with_raw_response`` of every resource."""

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


def test_a_closed_client_sends_nothing() -> None:
    client = Flora(api_key="k")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.workspaces.list()


def test_a_missing_key_is_an_error_only_when_a_request_is_sent() -> None:
    with Flora() as client, pytest.raises(MissingAPIKeyError):
        client.workspaces.list()
