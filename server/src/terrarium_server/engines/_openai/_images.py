import base64
import binascii
from typing import Any, cast

from terrarium_server.engines._contract import Failed, Job, Output
from terrarium_server.engines._provider import (
    Line,
    Provider,
    ProviderError,
    Stream,
    invalid_answer,
    media_output,
)

from ._calls import Report
from ._card import OpenAICard, file_of, form
from ._events import events, is_events, raise_error


def images(provider: Provider, card: OpenAICard, job: Job, line: Line, report: Report) -> tuple[Output, ...]:
    """Ask for pictures, from others if the job has any. Raises ProviderError."""
    body = {"prompt": job.prompt, **card.body(job)}
    if job.inputs:
        request: dict[str, Any] = {"data": form(body), "files": _files(job)}
        path = "/images/edits"
    else:
        request, path = {"body": body}, "/images/generations"
    with provider.stream("POST", path, idempotency_key=job.key, line=line, **request) as stream:
        if is_events(stream):
            items = _arriving(provider, stream, int(body.get("partial_images") or 0), report)
        else:
            content = stream.read()
            document = provider.parse(content)
            raise_error(provider, document, content, text=False)
            items = document.get("data")
    if not isinstance(items, list):
        raise invalid_answer(provider.who, "no list of pictures")
    if not items:
        message = f"{provider.who} made no picture; say it in other words, or try again later."
        raise ProviderError(Failed("GENERATION_NO_RESULT", message))
    return tuple(_picture(provider, item, line) for item in cast(list[Any], items))


def _files(job: Job) -> list[tuple[str, tuple[str, bytes, str]]]:
    masks = [medium for name, media in job.inputs.items() if name.startswith("mask") for medium in media]
    pictures = [
        medium for name, media in job.inputs.items() if not name.startswith("mask") for medium in media
    ]
    # One picture and several have names of their own; many servers know the first alone.
    name = "image" if len(pictures) == 1 else "image[]"
    return [
        *((name, file_of(medium)) for medium in pictures),
        *(("mask", file_of(medium)) for medium in masks),
    ]


def _arriving(provider: Provider, stream: Stream, expected: int, report: Report) -> list[Any]:
    """Return the finished pictures of a stream, and report the unfinished ones."""
    finished: list[Any] = []
    partial = 0
    for event in events(provider, stream):
        kind = str((event or {}).get("type", ""))
        if event is not None and kind.endswith(".completed"):
            finished.append(event)
        elif event is not None and kind.endswith(".partial_image"):
            partial += 1
            report(min(0.99, partial / (max(expected, partial) + 1)), _picture(provider, event, None))
    if not finished:
        message = f"{provider.who} broke off before the picture was done; it may have charged for this. "
        raise ProviderError(Failed("GPU_PROVIDER_ERROR", message + "Try once more."))
    return finished


def _picture(provider: Provider, item: Any, line: Line | None) -> Output:
    fields = cast(dict[str, Any], item) if isinstance(item, dict) else dict[str, Any]()
    if isinstance(data := fields.get("b64_json"), str) and data:
        try:
            picture = base64.b64decode(data.partition("base64,")[2] or data, validate=True)
        except binascii.Error as error:
            raise invalid_answer(provider.who, "a picture that cannot be decoded") from error
        return media_output(provider.who, picture, "image")
    if isinstance(url := fields.get("url"), str) and url:
        return provider.download(url, "image", line=line)
    raise invalid_answer(provider.who, "a picture without b64_json and url")
