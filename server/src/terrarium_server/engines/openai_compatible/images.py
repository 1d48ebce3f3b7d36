"""Pictures, from the image endpoints."""

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Any, cast

from terrarium_server.engines import Failed, Job, Output
from terrarium_server.engines.provider import (
    Provider,
    ProviderError,
    Response,
    all_or_none,
)

from .card import FormFile, OpenAICard, file_of, form
from .events import events, is_events, whole
from .reporting import Report


async def images(provider: Provider, card: OpenAICard, job: Job, report: Report) -> tuple[Output, ...]:
    """Have pictures made, from other pictures if the job has any. Raises ProviderError."""
    body = {"prompt": job.prompt, **card.body(job)}
    with ExitStack() as opened:
        if job.inputs:
            request: dict[str, Any] = {"data": form(body), "files": _files(job, opened)}
            path = "/images/edits"
        else:
            request, path = {"body": body}, "/images/generations"
        async with provider.stream("POST", path, idempotency_key=job.key, **request) as stream:
            if is_events(stream):
                items = await _finished(provider, stream, int(body.get("partial_images") or 0), report)
            else:
                items = (await whole(provider, stream)).get("data")
    if not isinstance(items, list):
        raise provider.invalid_answer("no list of pictures")
    if not items:
        message = f"{provider.label} made no picture; change the prompt, or try again later."
        raise ProviderError(Failed("GENERATION_NO_RESULT", message))
    return await all_or_none(_pictures(provider, cast(list[Any], items), report))


def _files(job: Job, opened: ExitStack) -> list[tuple[str, FormFile]]:
    masks = [medium for name, media in job.inputs.items() if name.startswith("mask") for medium in media]
    pictures = [
        medium for name, media in job.inputs.items() if not name.startswith("mask") for medium in media
    ]
    # One picture and several have different names; many servers accept only the first name.
    name = "image" if len(pictures) == 1 else "image[]"
    return [
        *((name, file_of(medium, opened)) for medium in pictures),
        *(("mask", file_of(medium, opened)) for medium in masks),
    ]


async def _finished(provider: Provider, stream: Response, expected: int, report: Report) -> list[Any]:
    """Return the finished pictures of a stream, and report the partial ones."""
    finished: list[Any] = []
    partial = 0
    async with aclosing(events(provider, stream)) as received:
        async for event in received:
            name = str((event or {}).get("type", ""))
            if event is not None and name.endswith(".completed"):
                finished.append(event)
            elif event is not None and name.endswith(".partial_image"):
                partial += 1
                preview = await asyncio.to_thread(_preview, provider, event.get("b64_json"))
                report(min(0.99, partial / (max(expected, partial) + 1)), preview)
    if not finished:
        message = f"{provider.label} stopped before the picture was done; it may have charged for this. "
        raise ProviderError(Failed("GPU_PROVIDER_ERROR", message + "Try once more."))
    return finished


def _preview(provider: Provider, data: Any) -> Output:
    try:
        return provider.output(base64.b64decode(str(data or ""), validate=True), "image")
    except binascii.Error as error:
        raise provider.invalid_answer("a picture that cannot be decoded") from error


async def _pictures(provider: Provider, items: list[Any], report: Report) -> AsyncGenerator[Output]:
    for item in items:
        # A download may take as long as the call, so this shows that the call has been answered.
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
    raise provider.invalid_answer("a picture without b64_json and url")
