"""Results on their way from a provider into files: never whole in memory, and no file without its result."""

import base64
import uuid
from collections.abc import AsyncIterable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from ._contract import Output
from ._failures import invalid_answer
from ._outputs import MediaKind
from ._scratch import discard

# Of base64 at once: a multiple of four letters, and little enough that other threads get their turn.
_PIECE = 1 << 20


@contextmanager
def result_file(folder: Path) -> Generator[BinaryIO]:
    """Open a new file below ``folder``, which is made if need be; if the block fails, the file is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"result-{uuid.uuid4().hex}"
    try:
        with path.open("xb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def all_or_none(outputs: AsyncIterable[Output]) -> tuple[Output, ...]:
    """Take outputs that come one after the other; if one cannot be had, the files before it are removed.

    await all_or_none(await provider.download(url, kind) for url in urls)
    """
    taken: list[Output] = []
    try:
        async for output in outputs:
            taken.append(output)
    except BaseException:
        discard(taken)
        raise
    return tuple(taken)


def write_base64(who: str, text: str, file: BinaryIO) -> None:
    """Write what a text in base64 stands for. Raises ProviderError if it is none."""
    try:
        for start in range(0, len(text), _PIECE):
            file.write(base64.b64decode(text[start : start + _PIECE], validate=True))
    except ValueError as error:
        raise invalid_answer(who, "a file that cannot be decoded") from error


def write_data_url(who: str, url: str, file: BinaryIO) -> None:
    """Write what a ``data:`` address carries. Raises ProviderError."""
    head, _, data = url.partition(",")
    if head.endswith(";base64"):
        write_base64(who, data, file)
    else:
        file.write(unquote_to_bytes(data))


async def fetch_guarded(
    who: str, url: str, into: Path, kind: MediaKind, *, max_bytes: int, seconds: float, allow_private: bool
) -> None:
    """Fetch an address that an answer names, from where everybody can reach it. Raises ProviderError."""
    from terrarium_server.media import FetchError, FetchRules, fetch

    try:
        await fetch(url, into, kind=kind, rules=FetchRules(max_bytes, seconds, allow_private))
    except FetchError as error:
        raise invalid_answer(who, f"a result that cannot be fetched ({error})") from error
