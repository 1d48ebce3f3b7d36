"""Results on their way from a provider's answer into files: no result is held in memory as a whole."""

import base64
import uuid
from collections.abc import AsyncIterable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

from terrarium_server.engines import Output, discard
from terrarium_server.media import MediaKind

from ._card import OutputType
from ._failures import invalid_answer

# Characters of base64 decoded at once: a multiple of four, and few enough not to starve other threads.
_PIECE = 1 << 20


def result_addresses(label: str, answer: Any, path: str, output_type: OutputType) -> list[str | None]:
    """Do what `Provider.result_addresses` says."""
    for name in path.split(".") if path else []:
        if not isinstance(answer, Mapping) or name not in answer:
            raise invalid_answer(label, f"no {path!r} in its result")
        answer = cast(Mapping[str, Any], answer)[name]
    items = cast(list[Any], answer) if isinstance(answer, list) else [answer]
    if output_type == "text":
        if not all(isinstance(item, str) for item in items):
            raise invalid_answer(label, "a result that is not text")
        return ["".join(items)]
    return [_address(label, item) for item in items]


def _address(label: str, item: Any) -> str | None:
    url = cast(Mapping[str, Any], item).get("url") if isinstance(item, Mapping) else item
    if url is None or isinstance(url, str):
        return url
    raise invalid_answer(label, "a result without an address")


@contextmanager
def result_file(folder: Path) -> Generator[BinaryIO]:
    """Open a new file below ``folder``, which is made if it is missing; a failed block removes the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"result-{uuid.uuid4().hex}"
    try:
        with path.open("xb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def all_or_none(outputs: AsyncIterable[Output]) -> tuple[Output, ...]:
    """Collect outputs that are made one after the other; if one fails, the files of the others are removed.

    await all_or_none(await provider.download(url, kind) for url in urls)
    """
    collected: list[Output] = []
    try:
        async for output in outputs:
            collected.append(output)
    except BaseException:
        discard(collected)
        raise
    return tuple(collected)


def write_base64(label: str, text: str, file: BinaryIO) -> None:
    """Decode base64 into a file. Raises ProviderError if it is none."""
    try:
        for start in range(0, len(text), _PIECE):
            file.write(base64.b64decode(text[start : start + _PIECE], validate=True))
    except ValueError as error:
        raise invalid_answer(label, "a file that cannot be decoded") from error


def write_data_url(label: str, url: str, file: BinaryIO) -> None:
    """Write what a ``data:`` address contains. Raises ProviderError."""
    head, _, data = url.partition(",")
    if head.endswith(";base64"):
        write_base64(label, data, file)
    else:
        file.write(unquote_to_bytes(data))


async def fetch_guarded(
    label: str, url: str, into: Path, kind: MediaKind, *, max_bytes: int, seconds: float, allow_private: bool
) -> None:
    """Fetch an address of another host, a public one unless ``allow_private``. Raises ProviderError."""
    from terrarium_server.media import FetchError, FetchRules, fetch

    try:
        await fetch(url, into, kind=kind, rules=FetchRules(max_bytes, seconds, allow_private))
    except FetchError as error:
        raise invalid_answer(label, f"a result that cannot be fetched ({error})") from error
