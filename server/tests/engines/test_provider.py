"""Calls to a provider: every failure has its code, nothing is sent twice, and the key does not leak."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from support.cases.openai_compatible import PNG
from support.driver import content
from support.loopback import Reply, Request, loopback
from support.server import DEADLINE
from terrarium_server.engines import CODES, Output
from terrarium_server.engines.provider import Provider, ProviderError, clean, moderated
from terrarium_server.engines.provider._failures import retry_after
from terrarium_server.engines.provider._outputs import picture_size

KEY = "very-secret-0123456789"


def make_provider(url: str, **settings: Any) -> Provider:
    return Provider("lab", f"{url}/v1", key=SecretStr(KEY), key_env="LAB_KEY", **settings)


def failing(reply: Reply, **settings: Any) -> ProviderError:
    with loopback(lambda request: reply) as server, pytest.raises(ProviderError) as failed:
        asyncio.run(make_provider(server.url, **settings).json("POST", "/things", body={"prompt": "a fern"}))
    assert len(server.requests) == 1, "sent again"
    assert CODES[failed.value.failure.code]
    assert KEY not in str(failed.value) + repr(failed.value.failure) + repr(failed.value.body)
    return failed.value


STATUSES = {
    "400 says": (400, {"error": {"message": "n must be 1"}}, "GENERATION_INPUT_VALIDATION"),
    "422 list": (422, {"detail": [{"loc": ["body", "n"], "msg": "too big"}]}, "GENERATION_INPUT_VALIDATION"),
    "401": (401, {"error": {"message": f"Incorrect API key: {KEY}"}}, "ACCESS_DENIED"),
    "403": (403, {}, "ACCESS_DENIED"),
    "402": (402, {}, "GENERATION_NOT_PAID"),
    "quota": (429, {"error": {"code": "insufficient_quota"}}, "GENERATION_NOT_PAID"),
    "404": (404, {"error": {"code": "model_not_found"}}, "GENERATION_ENDPOINT_NOT_FOUND"),
    "moved": (308, {}, "GENERATION_ENDPOINT_NOT_FOUND"),
    "408": (408, {}, "GENERATION_PROVIDER_TIMEOUT"),
    "504": (504, "<html>", "GENERATION_PROVIDER_TIMEOUT"),
    "429": (429, {"error": "slow down"}, "GENERATION_QUEUE_TOO_LARGE"),
    "500": (500, {"error": f"broke with {KEY}"}, "GENERATION_DOWNSTREAM_SERVICE_ERROR"),
    "503": (503, "<html>", "GENERATION_DOWNSTREAM_SERVICE_ERROR"),
    "policy": (400, {"error": {"code": "content_policy_violation"}}, "GENERATION_PROMPT_MODERATED"),
    "policy 403": (403, {"error": {"message": "Flagged as unsafe content"}}, "GENERATION_PROMPT_MODERATED"),
    "policy 422": (
        422,
        {"detail": [{"type": "content_policy_violation"}]},
        "GENERATION_PROMPT_MODERATED",
    ),
    "not json": (200, "<html>", "GENERATION_INVALID_PROVIDER_RESPONSE"),
    "no object": (200, [1], "GENERATION_INVALID_PROVIDER_RESPONSE"),
}


@pytest.mark.parametrize("name", STATUSES)
def test_every_error_becomes_a_code_and_a_message_without_secrets(name: str) -> None:
    status, body, code = STATUSES[name]
    error = failing(Reply(body, status))
    assert error.failure.code == code, error.failure
    assert error.sent
    if code == "ACCESS_DENIED":
        assert "LAB_KEY" in error.failure.message and "'lab'" in error.failure.message
    if code == "GENERATION_INPUT_VALIDATION":
        assert "n must be 1" in error.failure.message or "body.n: too big" in error.failure.message


def test_nothing_was_sent_to_a_server_that_cannot_be_reached() -> None:
    with pytest.raises(ProviderError) as failed:
        asyncio.run(make_provider("http://127.0.0.1:1").json("POST", "/things"))
    assert failed.value.failure.code == "GENERATION_FAILED_TO_START"
    assert not failed.value.sent and failed.value.is_temporary


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(drops=True), "GPU_PROVIDER_ERROR"),
        (Reply((b'{"half":',), drops=True), "GPU_PROVIDER_ERROR"),
        (Reply(hangs=True), "GENERATION_PROVIDER_TIMEOUT"),
        (Reply((b" ",) * 100, pause=0.1), "GENERATION_PROVIDER_TIMEOUT"),
    ],
    ids=["no answer", "half an answer", "silence", "drop by drop"],
)
def test_a_request_without_an_answer_is_not_sent_again(reply: Reply, code: str) -> None:
    error = failing(reply, timeout_seconds=0.4)
    assert (error.failure.code, error.sent) == (code, True)


def test_a_delay_is_read_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({"retry-after-ms": "2500"}) == 2.5
    assert retry_after({"retry-after": "86400"}) == 3600.0
    dated = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)})
    assert dated is not None and 90 < dated <= 100
    assert retry_after({"retry-after": "soon"}) is None
    assert failing(Reply({}, 429)).failure.retry_after == 10.0


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ("Your request was rejected as a result of our safety system.", True),
        (
            "The response was filtered, triggering the content management policy: content_filter",
            True,
        ),
        ("NSFW content detected. Try running it again, or try a different prompt.", True),
        ("The input may contain sensitive content", True),
        ("Prompt blocked by moderation", True),
        ("safety_tolerance: must be between 1 and 6", False),
        ("unknown field enable_safety_checker", False),
        ("Invalid value for 'moderation': must be auto or low", False),
        ("Unsupported content type", False),
        ("rate limit: 5 images per minute", False),
    ],
)
def test_refusing_for_content_is_distinguished_from_other_messages_about_content(
    message: str, refused: bool
) -> None:
    assert moderated(message) is refused


def test_a_message_is_one_short_line_without_secrets() -> None:
    message = clean(
        "a\n\x1b[31mb\u202e  sk-abcdefgh12345678 Bearer abcdefghijklmnop ?X-Amz-Signature=abc " + "x" * 999
    )
    assert message.startswith("a [31mb [secret] [secret] ?[secret] xxx")
    assert len(message) == 400


def test_the_key_stays_with_its_host_and_out_of_logs(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)

    def other(request: Request) -> Reply:
        return Reply(PNG)

    with loopback(other) as elsewhere:

        def answer(request: Request) -> Reply:
            if request.path == "/v1/moved":
                return Reply(status=302, headers={"Location": f"{elsewhere.url}/file"})
            return Reply({"ok": True})

        with loopback(answer) as server:
            provider = make_provider(server.url, scratch=tmp_path)

            async def fetch() -> list[Output]:
                await provider.json("GET", "/things")
                outputs = [
                    await provider.download(url, "image") for url in (f"{elsewhere.url}/file", "moved")
                ]
                with pytest.raises(ProviderError, match="another host"):
                    await provider.json("GET", f"{elsewhere.url}/things")
                await provider.close()
                return outputs

            outputs = asyncio.run(fetch())
    assert [(output.content_type, output.width, output.height) for output in outputs] == [
        ("image/png", 2, 1)
    ] * 2
    assert [content(output) for output in outputs] == [PNG] * 2
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert len(elsewhere.requests) == 2
    assert not any("authorization" in request.headers for request in elsewhere.requests)
    assert KEY not in caplog.text + repr(provider) + repr(vars(provider))


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with loopback(lambda request: Reply({"ok": True})) as server:
        assert asyncio.run(make_provider(server.url).json("POST", "/things")) == {"ok": True}


def _by_path(replies: dict[str, Reply]) -> Callable[[Request], Reply]:
    return lambda request: replies[request.path]


def test_the_size_of_a_picture_is_read_from_its_head() -> None:
    jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08\x00\x10\x00\x20\x03"
    webp = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x1f\x00\x00\x0f\x00\x00"
    for picture in (jpeg, webp, b"GIF89a\x20\x00\x10\x00"):
        assert picture_size(picture) == (32, 16)
    for broken in (b"", b"\xff\xd8", jpeg[:12], b"\x89PNG"):
        assert picture_size(broken) is None


def test_paths_are_below_the_base_address_and_closing_may_be_early() -> None:
    with loopback(_by_path({"/v1/a": Reply({"a": 1}), "/v1/b": Reply({"b": 2})})) as server:
        provider = make_provider(server.url)

        async def call() -> list[dict[str, Any]]:
            await provider.close()
            answers = [await provider.json("GET", path) for path in ("/a", "b")]
            await provider.close()
            return answers

        assert asyncio.run(call()) == [{"a": 1}, {"b": 2}]


def test_get_requests_share_a_connection_and_calls_that_may_cost_something_do_not() -> None:
    async def call(url: str) -> None:
        provider = make_provider(url)
        for method in ("GET", "GET", "POST", "POST"):
            await provider.json(method, "/things")
        await provider.close()

    with loopback(lambda request: Reply({"ok": True})) as server:
        asyncio.run(call(server.url))
    first, second, third, fourth = (request.port for request in server.requests)
    assert first == second
    assert len({second, third, fourth}) == 3


def test_cancelling_closes_the_connection() -> None:
    # One server has begun to answer, the other is silent.
    for reply in (Reply((b"[1]\n",) * 1000, pause=0.02), Reply(hangs=True)):
        with loopback(lambda request, reply=reply: reply) as server:

            async def call(url: str) -> None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await make_provider(url).json("POST", "/things", body={})

            asyncio.run(call(server.url))
            assert server.client_closed.wait(DEADLINE)
        assert len(server.requests) == 1


def test_lines_are_yielded_while_they_arrive() -> None:
    pieces = (b"one\r\ntw", b"o\n", b"\nthr", b"ee", b"\nfour")
    arrived = list[tuple[str, float]]()

    async def read_lines(url: str) -> None:
        async with make_provider(url).stream("POST", "/things") as stream:
            async for line in stream.lines():
                arrived.append((line, time.monotonic()))

    with loopback(lambda request: Reply(pieces, pause=0.1)) as server:
        asyncio.run(read_lines(server.url))
    assert [line for line, _ in arrived] == ["one", "two", "", "three", "four"]
    assert arrived[-1][1] - arrived[0][1] > 0.2


def test_the_time_for_a_stream_is_limited_whichever_task_reads_its_lines() -> None:
    async def read_lines(url: str) -> None:
        async with make_provider(url, timeout_seconds=0.5).stream("POST", "/things") as stream:
            lines = stream.lines()
            while True:
                # Each line from another task, as when a generator is followed step by step.
                await asyncio.create_task(anext(lines))  # pyright: ignore[reportArgumentType]

    with (
        loopback(lambda request: Reply((b"word\n",) * 100, pause=0.1)) as server,
        pytest.raises(ProviderError) as failed,
    ):
        asyncio.run(read_lines(server.url))
    assert failed.value.failure.code == "GENERATION_PROVIDER_TIMEOUT"


def test_a_large_body_arrives_whole_and_with_its_length() -> None:
    body = {"data": "é" * 1_000_000}
    with loopback(lambda request: Reply({"ok": True})) as server:
        asyncio.run(make_provider(server.url).json("POST", "/things", body=body))
    assert server.requests[0].json() == body
    assert server.requests[0].headers["content-length"] == str(len(server.requests[0].body))
    assert "transfer-encoding" not in server.requests[0].headers
