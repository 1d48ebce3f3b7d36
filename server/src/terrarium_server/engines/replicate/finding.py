"""Finding a prediction whose answer was lost.

Replicate has no idempotency key, but it lists the latest predictions with what was asked: ours was created
after its mark, by the same model and with the same input. The addresses of its media are not known when the
mark is made, so media are told apart by what is in them: pictures that are enlarged with the same values
must not be taken for each other.
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

from .._contract import Input, Job, Unknown
from .._fields import CardOptions, Made
from .._provider import Provider, ProviderError, invalid_answer
from .._results import write_data_url

# How often, and with which pause, the latest predictions are searched: a new one may not be listed yet.
_SEARCHES = 3
_SEARCH_PAUSE = 1.0
# A page has a hundred predictions.
_MOST_PAGES = 10
# By how many seconds Replicate's clock may be behind ours.
_CLOCKS = 120.0


class Sought(BaseModel):
    """What a prediction is known by: the engine's mark.

    ``since`` is the moment of the mark in seconds (Unix time), ``values`` the SHA-256 of the input without
    its media, ``media`` the SHA-256 of each medium by the field that takes it.
    """

    key: str
    since: float
    kind: Made
    model: str
    output: str
    values: str
    media: dict[str, list[str]]

    @classmethod
    async def of(cls, job: Job, kind: Made, card: CardOptions, model: str) -> "Sought":
        """Describe the prediction that this job is about to become."""
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


async def find(provider: Provider, sought: Sought, is_taken: Callable[[str], bool]) -> str | Unknown | None:
    """Return a prediction's id, or None if several searches found nothing that it could be.

    ``is_taken`` says which ones are other submissions'. Raises ProviderError.
    """
    found: str | Unknown | None = None
    for attempt in range(_SEARCHES):
        if attempt:
            await asyncio.sleep(_SEARCH_PAUSE)
        found = await _search(provider, sought, is_taken)
        if isinstance(found, str):
            break
    return found


class _Listed(NamedTuple):
    """A prediction of the list; ``created`` in seconds (Unix time)."""

    created: float
    name: str
    told: Mapping[str, Any]


async def _search(
    provider: Provider, sought: Sought, is_taken: Callable[[str], bool]
) -> str | Unknown | None:
    listed, is_certain = await _latest(provider, sought.since - _CLOCKS)
    # Of several that are alike, the one nearest to the mark: others may be looking for theirs.
    for one in sorted(listed, key=lambda one: abs(one.created - sought.since)):
        if is_taken(one.name) or not _is_by(one.told, sought.model):
            continue
        is_it = await _has_input(provider, one.told, sought)
        if is_it and not is_taken(one.name):
            return one.name
        is_certain = is_certain and is_it is not None
    return None if is_certain else Unknown()


async def _latest(provider: Provider, since: float) -> tuple[list[_Listed], bool]:
    """Return the predictions created since then, the newest first, and whether these are all."""
    latest: list[_Listed] = []
    query: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = await provider.json("GET", "/predictions", query=query)
        results = page.get("results")
        if not isinstance(results, list):
            raise invalid_answer(provider.who, "no list of predictions")
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
            case {"id": str(name), "created_at": str(moment), **told} if name:
                with suppress(ValueError, OverflowError):
                    yield _Listed(datetime.fromisoformat(moment).timestamp(), name, cast(Any, told))
            case _:
                pass


def _is_by(prediction: Mapping[str, Any], model: str) -> bool:
    name, _, version = model.partition(":")
    if version:
        return prediction.get("version") == version
    return str(prediction.get("model")).casefold() == name.casefold()


async def _has_input(provider: Provider, prediction: Mapping[str, Any], sought: Sought) -> bool | None:
    """Whether this is what was asked; None if nobody can tell any more."""
    asked = prediction.get("input")
    # An hour later Replicate has deleted it.
    if prediction.get("data_removed") or not isinstance(asked, Mapping):
        return None
    values = cast(Mapping[str, Any], asked)
    if await asyncio.to_thread(_digest, values, sought.media) != sought.values:
        return False
    for field, contents in sought.media.items():
        given = values.get(field, [])
        addresses = cast(list[Any], given) if isinstance(given, list) else [given]
        if len(addresses) != len(contents):
            return False
        for address, content in zip(addresses, contents, strict=True):
            held = await _content(provider, address)
            if held != content:
                return None if held is None else False
    return True


async def _content(provider: Provider, address: Any) -> str | None:
    """Return the SHA-256 of what is behind an address of ours, None of any other."""
    if not isinstance(address, str):
        return None
    _, is_file, file = address.partition("?")[0].rpartition("/files/")
    try:
        if address.startswith("data:"):
            return await asyncio.to_thread(_carried, provider.who, address)
        told = await provider.json("GET", f"/files/{quote(file, safe='')}") if is_file else {}
    except ProviderError:
        return None
    match told.get("checksums"):
        case {"sha256": str(content)}:
            return content
        case _:
            return None


def _carried(who: str, address: str) -> str:
    carried = BytesIO()
    write_data_url(who, address, carried)
    return hashlib.sha256(carried.getvalue()).hexdigest()


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
    """Write whole numbers in one way: 7.0 comes back as 7."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast(list[Any], value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value
