"""The LiteLLM proxy, a common gateway, between the engine and a provider.

It is installed in an environment of its own: `make test-peers`.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from support.cases.openai_compatible import SSE, picture, streamed_text
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
from terrarium_server.engines import Failed, Finished, Input, Job, Lost, Progress
from terrarium_server.engines.openai_compatible import engine as openai_compatible
from terrarium_server.engines.setup import Setup

PROGRAM = Path(__file__).parents[1] / ".venv-peers" / "bin" / "litellm"
KEY = "sk-peers-0123456789"
START_SECONDS = 180
MP3 = b"\xff\xf3\xe4\xc4" + bytes(64)
TYPES = {"chat": "text", "images": "image", "speech": "audio", "videos": "video"}


def _upstream(request: Request) -> Reply:
    """The provider behind the gateway."""
    if b"busy" in request.body:
        return Reply(
            {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, 429, {"Retry-After": "3"}
        )
    if b"forbidden" in request.body:
        error = {"message": "Rejected by our safety system.", "code": "content_policy_violation"}
        return Reply({"error": {**error, "type": "invalid_request_error"}}, 400)
    if request.path.endswith("/chat/completions"):
        return Reply(streamed_text("A", "fern", "grows."), headers=SSE, pause=0.05)
    return Reply(MP3, headers={"Content-Type": "audio/mpeg"}) if "audio" in request.path else picture()


def _config(upstream: str) -> str:
    """Return the proxy's configuration; JSON is valid YAML."""
    models = (("writer", "gpt-x"), ("painter", "gpt-image-x"), ("speaker", "tts-x"))
    where = {"api_key": "none", "api_base": f"{upstream}/v1", "max_retries": 0}
    listed = [
        {"model_name": name, "litellm_params": {"model": f"openai/{model}", **where}}
        for name, model in models
    ]
    router = {"num_retries": 0, "disable_cooldowns": True}
    return json.dumps(
        {"model_list": listed, "general_settings": {"master_key": KEY}, "router_settings": router}
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def _program(folder: Path, config: str) -> Iterator[str]:
    (folder / "config.yaml").write_text(config)
    url = f"http://127.0.0.1:{(port := _free_port())}"
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*"}
    with (folder / "log").open("wb") as log:
        arguments = [PROGRAM, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(arguments, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            try:
                if httpx.get(f"{url}/health/liveliness", trust_env=False).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with (
        loopback(_upstream) as upstream,
        _program(tmp_path_factory.mktemp("litellm"), _config(upstream.url)) as url,
    ):
        yield url


def ask(
    gateway: str, endpoint: str, model: str, prompt: str = "a fern", **job: Any
) -> tuple[Finished | Failed | Lost, list[Progress]]:
    options = openai_compatible.OPTIONS.model_validate({"url": f"{gateway}/v1"})
    engine = openai_compatible.build(Setup("litellm", 1, options, SecretStr(KEY), "LITELLM_KEY"))
    card = {"endpoint": endpoint, "model": model}
    params: dict[str, Any] = {"voice": "alloy"} if endpoint == "speech" else {}
    with drive_engine(engine) as driver:
        ticket = driver.submit(Job("run_1", "any", TYPES[endpoint], prompt, params, 7, options=card, **job))
        *updates, end = driver.follow(ticket)
    assert not isinstance(end, Progress)
    return end, [update for update in updates if isinstance(update, Progress)]


@pytest.mark.timeout(START_SECONDS + 60)
def test_a_text_streams_through_the_gateway(gateway: str) -> None:
    end, updates = ask(gateway, "chat", "writer")
    assert isinstance(end, Finished) and str(end.outputs[0].data).split() == ["A", "fern", "grows."], end
    assert any(update.preview is not None for update in updates)


def test_pictures_pass_through_the_gateway(gateway: str, tmp_path: Path) -> None:
    made = ask(gateway, "images", "painter")[0]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    inputs = {"image_urls": (Input(tmp_path / "a.png", "image/png"),)}
    edited = ask(gateway, "images", "painter", inputs=inputs)[0]
    for end in (made, edited):
        assert isinstance(end, Finished) and end.outputs[0].content_type == "image/png", end
        assert content(end.outputs[0])


def test_speech_passes_through_the_gateway(gateway: str) -> None:
    end, _ = ask(gateway, "speech", "speaker")
    assert isinstance(end, Finished) and content(end.outputs[0]) == MP3, end


@pytest.mark.parametrize(
    ("endpoint", "model", "prompt", "codes"),
    [
        ("chat", "writer", "busy", {"GENERATION_QUEUE_TOO_LARGE"}),
        ("images", "painter", "busy", {"GENERATION_QUEUE_TOO_LARGE"}),
        ("chat", "writer", "forbidden", {"LLM_REFUSAL"}),
        ("images", "painter", "forbidden", {"GENERATION_PROMPT_MODERATED"}),
        ("chat", "nobody", "a fern", {"GENERATION_INPUT_VALIDATION", "GENERATION_ENDPOINT_NOT_FOUND"}),
    ],
)
def test_refusals_of_the_gateway_have_the_right_codes(
    gateway: str, endpoint: str, model: str, prompt: str, codes: set[str]
) -> None:
    end, _ = ask(gateway, endpoint, model, prompt)
    assert isinstance(end, Failed) and end.code in codes, end
    assert KEY not in end.message
