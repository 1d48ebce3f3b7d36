import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any, cast

from terrarium_server.engines._contract import Failed, Job, Output
from terrarium_server.engines._provider import (
    Provider,
    ProviderError,
    Stream,
    all_or_none,
    invalid_answer,
    media_output,
)

from ._calls import Report
from ._card import FormFile, OpenAICard, file_of, form
from ._events import events, is_events, whole


async def images(provider: Provider, card: OpenAICard, job: Job, report: Report) -> tuple[Output, ...]:
    """Ask for pictures, from others if the job has any. Raises ProviderError."""
    body = {"prompt": job.prompt, **card.body(job)}
    with ExitStack() as opened:
        if job.inputs:
            request: dict[str, Any] = {"data": form(body), "files": _files(job, opened)}
            path = "/images/edits"
        else:
            request, path = {"body": body}, "/images/generations"
        async with provider.stream("POST", path, idempotency_key=job.key, **request) as stream:
            if is_events(stream):
                items = await _arriving(provider, stream, int(body.get("partial_images") or 0), report)
            else:
                items = (await whole(provider, stream)).get("data")
    if not isinstance(items, list):
        raise invalid_answer(provider.who, "no list of pictures")
    if not items:
        message = f"{provider.who} made no picture; say it in other words, or try again later."
        raise ProviderError(Failed("GENERATION_NO_RESULT", message))
    return await all_or_none(_pictures(provider, cast(list[Any], items), report))


def _files(job: Job, opened: ExitStack) -> list[tuple[str, FormFile]]:
    masks = [medium for name, media in job.inputs.items() if name.startswith("mask") for medium in media]
    pictures = [
        medium for name, media in job.inputs.items() if not name.startswith("mask") for medium in media
    ]
    # One picture and several have names of their own; many servers know the first alone.
    name = "image" if len(pictures) == 1 else "image[]"
    return [
        *((name, file_of(medium, opened)) for medium in pictures),
        *(("mask", file_of(medium, opened)) for medium in masks),
    ]


async def _arriving(provider: Provider, stream: Stream, expected: int, report: Report) -> list[Any]:
    """Return the finished pictures of a stream, and report the unfinished ones."""
    finished: list[Any] = []
    partial = 0
    async with aclosing(events(provider, stream)) as arriving:
        async for event in arriving:
            kind = str((event or {}).get("type", ""))
            if event is not None and kind.endswith(".completed"):
                finished.append(event)
            elif event is not None and kind.endswith(".partial_image"):
                partial += 1
                preview = await asyncio.to_thread(_preview, provider, event.get("b64_json"))
                report(min(0.99, partial / (max(expected, partial) + 1)), preview)
    if not finished:
        message = f"{provider.who} broke off before the picture was done; it may have charged for this. "
        raise ProviderError(Failed("GPU_PROVIDER_ERROR", message + "Try once more."))
    return finished


def _preview(provider: Provider, data: Any) -> Output:
    try:
        return media_output(provider.who, base64.b64decode(str(data or ""), validate=True), "image")
    except binascii.Error as error:
        raise invalid_answer(provider.who, "a picture that cannot be decoded") from error


async def _pictures(provider: Provider, items: list[Any], report: Report) -> AsyncGenerator[Output]:
    for item in items:
        # Whoever follows hears that there is an answer, before what may take as long once more.
        report(0.99, None)
        yield await _picture(provider, item)


async def _picture(provider: Provider, item: Any) -> Output:
    fields = cast(dict[str, Any], item) if isinstance(item, dict) else dict[str, Any]()
    if isinstance(data := fields.get("b64_json"), str) and data:
        # Some servers put a data: address there.
        if data.startswith("data:"):
            return await provider.download(data, "image")
        return await provider.decode(data, "image")
    if isinstance(url := fields.get("url"), str) and url:
        return await provider.download(url, "image")
    raise invalid_answer(provider.who, "a picture without b64_json and url")
