"""Finding a prediction whose answer was lost.

Replicate has no idempotency key, but it lists the latest predictions with their inputs. Ours was created
after its mark, by the same model and with the same input. The addresses of its media are not known when the
mark is made, so media are compared by their content: otherwise two pictures that are enlarged with the same
values would be confused.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import BaseModel

from terrarium_server.engines import Input, Job, Unknown
from terrarium_server.engines.provider import (
    OutputType,
    Provider,
    ProviderError,
    RequestOptions,
    write_data_url,
)

# A new prediction may not be listed yet, so the latest ones are searched several times with a pause between.
_SEARCHES = 3
_SEARCH_PAUSE = 1.0
# A page has a hundred predictions.
_MOST_PAGES = 10
# By how many seconds Replicate's clock may be behind ours.
_CLOCKS = 120.0


class PredictionMark(BaseModel):
    """By what a prediction is recognised: the engine's mark, stored as JSON.

    ``since`` is the moment of the mark in seconds (Unix time), ``values`` the SHA-256 of the input without
    its media, ``media`` the SHA-256 of each medium by the name of its field.
    """

    key: str
    since: float
    kind: OutputType
    model: str
    output: str
    values: str
    media: dict[str, list[str]]

    @classmethod
    async def of(cls, job: Job, kind: OutputType, card: RequestOptions, model: str) -> "PredictionMark":
        """Describe the prediction that this job will become."""
        media = await asyncio.to_thread(_contents, card.media(job))
        return cls(
            key=job.key,
            since=time.time(),
            kind=kind,
            model=model,
            output=card.output,
            values=_digest(card.values(job), media),
            media=media,
        )


async def find(
    provider: Provider, sought: PredictionMark, is_taken: Callable[[str], bool]
) -> str | Unknown | None:
    """Return a prediction's id, or None if several searches found no prediction that matches.

    ``is_taken`` says whether a prediction belongs to another submission. Raises ProviderError.
    """
    prediction: str | Unknown | None = None
    for attempt in range(_SEARCHES):
        if attempt:
            await asyncio.sleep(_SEARCH_PAUSE)
        prediction = await _search(provider, sought, is_taken)
        if isinstance(prediction, str):
            break
    return prediction


class _Listed(NamedTuple):
    """A prediction of the list; ``created`` in seconds (Unix time)."""

    created: float
    id: str
    fields: Mapping[str, Any]


async def _search(
    provider: Provider, sought: PredictionMark, is_taken: Callable[[str], bool]
) -> str | Unknown | None:
    listed, is_certain = await _latest(provider, sought.since - _CLOCKS)
    # If several match, take the one created nearest to the mark: the others may belong to other submissions.
    for one in sorted(listed, key=lambda one: abs(one.created - sought.since)):
        if is_taken(one.id) or not _is_by(one.fields, sought.model):
            continue
        matches = await _has_input(provider, one.fields, sought)
        if matches and not is_taken(one.id):
            return one.id
        is_certain = is_certain and matches is not None
    return None if is_certain else Unknown()


async def _latest(provider: Provider, since: float) -> tuple[list[_Listed], bool]:
    """Return the predictions created since then, newest first, and whether the list is complete."""
    latest: list[_Listed] = []
    query: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = await provider.json("GET", "/predictions", query=query)
        results = page.get("results")
        if not isinstance(results, list):
            raise provider.invalid_answer("no list of predictions")
        listed = list(_listed(cast(list[Any], results)))
        latest += [one for one in listed if one.created >= since]
        cursor = parse_qs(urlsplit(str(page.get("next") or "")).query).get("cursor")
        if not cursor or (listed and listed[-1].created < since):
            return latest, True
        query = {"cursor": cursor[0]}
    return latest, False


def _listed(results: list[Any]) -> Iterator[_Listed]:
    for item in results:
        match item:
            case {"id": str(prediction), "created_at": str(created), **fields} if prediction:
                with suppress(ValueError, OverflowError):
                    yield _Listed(datetime.fromisoformat(created).timestamp(), prediction, cast(Any, fields))
            case _:
                pass


def _is_by(prediction: Mapping[str, Any], model: str) -> bool:
    name, _, version = model.partition(":")
    if version:
        return prediction.get("version") == version
    return str(prediction.get("model")).casefold() == name.casefold()


async def _has_input(
    provider: Provider, prediction: Mapping[str, Any], sought: PredictionMark
) -> bool | None:
    """Whether a prediction has the input of the mark; None if that is not known any more."""
    given_input = prediction.get("input")
    # Replicate deletes inputs after an hour.
    if prediction.get("data_removed") or not isinstance(given_input, Mapping):
        return None
    values = cast(Mapping[str, Any], given_input)
    if await asyncio.to_thread(_digest, values, sought.media) != sought.values:
        return False
    for field, contents in sought.media.items():
        given = values.get(field, [])
        addresses = cast(list[Any], given) if isinstance(given, list) else [given]
        if len(addresses) != len(contents):
            return False
        for address, content in zip(addresses, contents, strict=True):
            given_content = await _content(provider, address)
            if given_content != content:
                return None if given_content is None else False
    return True


async def _content(provider: Provider, address: Any) -> str | None:
    """Return the SHA-256 of a file that the engine sent or uploaded, None for any other address."""
    if not isinstance(address, str):
        return None
    _, is_file, file = address.partition("?")[0].rpartition("/files/")
    try:
        if address.startswith("data:"):
            return await asyncio.to_thread(_content_of_data_url, provider.label, address)
        uploaded = await provider.json("GET", f"/files/{quote(file, safe='')}") if is_file else {}
    except ProviderError:
        return None
    match uploaded.get("checksums"):
        case {"sha256": str(content)}:
            return content
        case _:
            return None


def _content_of_data_url(label: str, address: str) -> str:
    content = BytesIO()
    write_data_url(label, address, content)
    return hashlib.sha256(content.getvalue()).hexdigest()


def _contents(media: Mapping[str, tuple[Input, ...]]) -> dict[str, list[str]]:
    contents: dict[str, list[str]] = {}
    for field, inputs in media.items():
        contents[field] = []
        for medium in inputs:
            with medium.path.open("rb") as file:
                contents[field].append(hashlib.file_digest(file, "sha256").hexdigest())
    return contents


def _digest(values: Mapping[str, Any], without: Container[str]) -> str:
    kept = {name: value for name, value in values.items() if name not in without}
    return hashlib.sha256(json.dumps(_plain(kept), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Write whole numbers in one form: Replicate returns 7.0 as 7."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast(list[Any], value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
