"""A fake server with the OpenAI API, on this machine."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from support.cases import Case, ProviderCase, Situation
from support.loopback import Reply, Request, loopback
from terrarium_server.engines import Engine, Job
from terrarium_server.engines.openai_compatible import engine as kind
from terrarium_server.engines.setup import Setup


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\x08\x02\x00\x00\x00")
    + _chunk(b"IDAT", zlib.compress(b"\x00\x10\x80\x20\x90\x30\x40"))
    + _chunk(b"IEND", b"")
)


def picture(data: bytes = PNG) -> Reply:
    return Reply({"data": [{"b64_json": base64.b64encode(data).decode()}]})


def streamed_text(*words: str) -> tuple[bytes, ...]:
    """A streamed answer, with its end."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"content": f"{word} "}, None) for word in words]
    events = [json.dumps(_chunk_of(delta, ended)) for delta, ended in [*deltas, ({}, "stop")]]
    return tuple(f"data: {event}\n\n".encode() for event in [*events, "[DONE]"])


def _chunk_of(delta: dict[str, str], ended: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": ended}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1795264754, "model": "writer"}
    return {**head, "choices": [choice]}


SSE = {"Content-Type": "text/event-stream"}


def engine_for(
    url: str, key: str | None = None, *, scratch: Path | None = None, **options: Any
) -> kind.OpenAICompatibleEngine:
    checked = kind.OPTIONS.model_validate({"url": f"{url}/v1", **options})
    setup = Setup("openai", 1, checked, SecretStr(key) if key else None, "OPENAI_API_KEY" if key else None)
    return kind.build(setup if scratch is None else replace(setup, scratch=scratch))


def image_job(key: str, **params: Any) -> Job:
    options = {"endpoint": "images", "model": "painter", "sizes": {"1:1": "1024x1024"}}
    return Job(key, "t2i", "image", "a fern", {"aspect_ratio": "1:1", **params}, 7, options=options)


def text_job(key: str, **params: Any) -> Job:
    return Job(
        key, "t2t", "text", "Tell of a fern.", params, 7, options={"endpoint": "chat", "model": "writer"}
    )


def video_job(key: str) -> Job:
    options = {"endpoint": "videos", "model": "filmer"}
    return Job(key, "t2v", "video", "a fern", {"duration": 4}, 7, options=options)


def _ordinary(request: Request) -> Reply:
    if request.path == "/v1/chat/completions":
        return Reply(streamed_text(*["word"] * 200), headers=SSE, pause=0.05)
    return picture()


@contextmanager
def _open() -> Iterator[Engine]:
    with loopback(_ordinary) as server:
        yield engine_for(server.url)


def _vanishes(request: Request) -> Reply:
    if request.method == "POST":
        return Reply({"id": "video_1", "status": "queued"})
    return Reply({"error": {"message": "Video not found", "code": "not_found"}}, 404)


_MODERATED = {"message": "Rejected by our safety system.", "code": "moderation_blocked"}
_SITUATIONS: dict[Situation, tuple[Callable[[str], Job], Callable[[Request], Reply]]] = {
    "slow": (text_job, lambda request: Reply(streamed_text(*"a b c d e f".split()), headers=SSE, pause=0.05)),
    "moderated": (image_job, lambda request: Reply({"error": _MODERATED}, 400)),
    "busy": (image_job, lambda request: Reply({"error": {}}, 429, {"Retry-After": "7"})),
    "hangs": (text_job, lambda request: Reply(hangs=True)),
    "vanishes": (video_job, _vanishes),
    "invalid": (image_job, lambda request: Reply("<html>It works!</html>")),
    "wrong_type": (image_job, lambda request: picture(b"%PDF-1.7 and so on")),
    "drops": (image_job, lambda request: Reply(drops=True)),
}


@contextmanager
def _staged(situation: Situation) -> Iterator[ProviderCase]:
    job, answer = _SITUATIONS[situation]
    with loopback(answer) as server:
        engine = engine_for(server.url, timeout_seconds=0.5 if situation == "hangs" else 600.0)
        yield ProviderCase(
            engine, job("run_1"), lambda: sum(request.method == "POST" for request in list(server.requests))
        )


def _situation(situation: Situation) -> Callable[[], Any]:
    return lambda: _staged(situation)


CASE = Case(
    _open,
    image_job,
    text_job,
    lambda key: image_job(key, aspect_ratio="7:1"),
    "image/png",
    situations={situation: _situation(situation) for situation in _SITUATIONS},
)
