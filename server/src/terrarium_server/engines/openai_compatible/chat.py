"""Texts, from the chat endpoint."""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, cast

from terrarium_server.engines import Failed, Input, Job, Output, Refused
from terrarium_server.engines.provider import Provider, ProviderError, data_uri

from .card import OpenAICard
from .events import events, is_events, whole
from .reporting import Report

_LONGEST_TEXT = 1_000_000
# Fields that limit the tokens; each token is reported as a step towards that limit.
_LIMITS = ("max_completion_tokens", "max_tokens")
_TYPICAL_TOKENS = 400
_SOUND = {"audio/wav": "wav", "audio/mpeg": "mp3"}


def check_media(job: Job) -> None:
    """Raise Refused for a medium that a message cannot contain."""
    for medium in (medium for media in job.inputs.values() for medium in media):
        if not medium.content_type.startswith("image/") and medium.content_type not in _SOUND:
            message = f"This model takes pictures, WAV and MP3, not {medium.content_type}."
            raise Refused("GENERATION_INPUT_VALIDATION", message)


async def chat(provider: Provider, card: OpenAICard, job: Job, report: Report) -> tuple[Output, ...]:
    """Have a text written, and report it meanwhile. Raises ProviderError."""
    fields = card.body(job, without=("system_prompt",))
    body = {"messages": await asyncio.to_thread(_messages, job), "stream": True, **fields}
    limits = (fields.get(name) for name in _LIMITS)
    expected = next((limit for limit in limits if isinstance(limit, int) and limit > 0), _TYPICAL_TOKENS)
    text, finish_reason, count = "", None, 0
    async with provider.stream(
        "POST", "/chat/completions", body=body, idempotency_key=job.key, text=True
    ) as stream:
        if not is_events(stream):
            document = await whole(provider, stream, text=True)
            text, reason = _choice(provider, document, "message")
            return (_checked(provider, text[:_LONGEST_TEXT], reason or "stop"),)
        async with aclosing(events(provider, stream, text=True)) as received:
            async for event in received:
                if event is None:
                    finish_reason = finish_reason or "stop"
                    break
                piece, reason = _choice(provider, event, "delta")
                finish_reason = reason or finish_reason
                count += 1
                if piece:
                    text = (text + piece)[:_LONGEST_TEXT]
                    report(min(0.99, count / expected), Output("text/plain", text))
    return (_checked(provider, text, finish_reason),)


def _messages(job: Job) -> list[dict[str, Any]]:
    parts = [_part(medium) for media in job.inputs.values() for medium in media]
    content = [{"type": "text", "text": job.prompt}, *parts] if parts else job.prompt
    system = job.params.get("system_prompt")
    return [
        *([{"role": "system", "content": system}] if system else []),
        {"role": "user", "content": content},
    ]


def _part(medium: Input) -> dict[str, Any]:
    if sound := _SOUND.get(medium.content_type):
        data = base64.b64encode(medium.path.read_bytes()).decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": sound}}
    return {"type": "image_url", "image_url": {"url": data_uri(medium)}}


def _choice(provider: Provider, document: Mapping[str, Any], name: str) -> tuple[str, str | None]:
    """Return text and finish reason, if any, of the first choice."""
    choices = document.get("choices")
    if name == "delta" and not choices:
        # Some events are only about usage or the content filter.
        return "", None
    choice = _object(cast(list[Any], choices)[0]) if isinstance(choices, list) and choices else None
    message = _object(choice.get(name) or {}) if choice is not None else None
    if choice is None or message is None:
        raise provider.invalid_answer("a message of an unknown form")
    reason, refusal = choice.get("finish_reason"), message.get("refusal")
    text = message.get("content") or ""
    if refusal or reason in ("content_filter", "refusal"):
        raise ProviderError(provider.moderation(str(refusal or ""), text=True))
    if not isinstance(text, str):
        raise provider.invalid_answer("a message that is not text")
    return text, str(reason) if reason else None


def _object(value: Any) -> dict[str, Any] | None:
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def _checked(provider: Provider, text: str, finish_reason: str | None) -> Output:
    if finish_reason is None:
        message = f"{provider.label} stopped in the middle of its answer; it may have charged for this. "
        raise ProviderError(Failed("GPU_PROVIDER_ERROR", message + "Try once more."))
    if not text.strip():
        remedy = "allow more tokens" if finish_reason == "length" else "change the prompt, or try again later"
        raise ProviderError(Failed("GENERATION_NO_RESULT", f"{provider.label} wrote nothing; {remedy}."))
    return Output("text/plain", text)
