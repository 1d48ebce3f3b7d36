"""Saving an output. It is written to a temporary file, which gets its name only when it is complete."""

from __future__ import annotations

import mimetypes
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from uuid import uuid4

import httpx

from ._clock import Clock
from ._config import Config
from ._errors import APIConnectionError, FloraError, status_error
from ._file_names import encodable
from ._operation import Request, Send, Sleep, Steps
from ._prepare import authorization
from ._retry import pause, worth_retrying
from ._wire import RunOutput

# Types that mimetypes does not know on every system, or for which it gives an unusual suffix.
_SUFFIXES = {"image/webp": ".webp", "image/avif": ".avif", "audio/wav": ".wav", "audio/x-wav": ".wav"}
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}")
_SUFFIX_OF_TYPE = {"imageUrl": ".png", "videoUrl": ".mp4", "audioUrl": ".wav", "documentUrl": ".pdf"}


def download(
    output: RunOutput | str,
    to: str | os.PathLike[str],
    config: Config,
    clock: Clock,
    *,
    name: str | None,
    overwrite: bool,
) -> Steps[Path]:
    """Save ``output`` and return the path; see ``Flora.download``."""
    target = Path(to)
    into_folder = target.is_dir() or str(to).endswith(("/", os.sep))
    if not into_folder and target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists; pass overwrite=True to replace it")
    folder = target if into_folder else target.parent
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{uuid4().hex}.part"
    try:
        if isinstance(output, RunOutput) and output.type == "text":
            part.write_text(output.url, encoding="utf-8")
            file_name = f"{encodable(name or 'output')}.txt"
        else:
            url = output.url if isinstance(output, RunOutput) else output
            response = yield from _stream(url, _File(part), config, clock)
            file_name = _file_name(response, output, name)
        final = folder / file_name if into_folder else target
        return _move(part, final, numbered=into_folder, overwrite=overwrite)
    finally:
        part.unlink(missing_ok=True)


class _File:
    """A file that is written from its beginning again at each attempt."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = path.open("wb")

    def restart(self) -> None:
        self._handle.seek(0)
        self._handle.truncate()

    def write(self, chunk: bytes) -> None:
        self._handle.write(chunk)

    def close(self) -> None:
        self._handle.close()


def _stream(url: str, sink: _File, config: Config, clock: Clock) -> Steps[httpx.Response]:
    try:
        address = _address(config, url)
        request_headers = {"accept": "*/*", "user-agent": config.user_agent, **authorization(config, address)}
        request = Request("GET", address, request_headers, None, config.timeout)
        for attempt in range(config.max_retries + 1):
            is_last = attempt == config.max_retries
            headers = None
            try:
                response: httpx.Response = yield Send(request, sink)
            except APIConnectionError:
                if is_last:
                    raise
            else:
                if response.status_code < 400:
                    return response
                headers = response.headers
                if is_last or not worth_retrying(response.status_code, headers):
                    raise status_error(response)
            yield Sleep(pause(attempt, headers, now=clock.now(), jitter=clock.jitter()))
        raise AssertionError("the last attempt either returns or raises")
    finally:
        sink.close()


def _address(config: Config, url: str) -> httpx.URL:
    try:
        return config.base_url.join(url)
    except httpx.InvalidURL as error:
        raise FloraError(f"The URL of the output is invalid: {error}") from error


def _file_name(response: httpx.Response, output: RunOutput | str, name: str | None) -> str:
    path = PurePosixPath(unquote(response.request.url.path))
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(media_type) or (mimetypes.guess_extension(media_type) if media_type else None)
    if suffix in (None, ".bin"):
        by_type = _SUFFIX_OF_TYPE.get(output.type, "") if isinstance(output, RunOutput) else ""
        suffix = path.suffix if _SUFFIX.fullmatch(path.suffix) else by_type
    # The server chose the URL, so only harmless characters of it become a file name.
    stem = name or re.sub(r"[^\w.-]+", "-", path.stem).strip(".-") or "output"
    return f"{encodable(stem)}{suffix}"


def _move(part: Path, target: Path, *, numbered: bool, overwrite: bool) -> Path:
    """Give the finished file its name; if ``numbered``, the next free one (``name-2.png``)."""
    if overwrite:
        part.replace(target)
        return target
    first, number = target, 1
    while True:
        try:
            # Unlike a rename, a hard link fails when another process has taken the name meanwhile.
            os.link(part, target)
        except FileExistsError:
            if not numbered:
                raise FileExistsError(f"{target} exists; pass overwrite=True to replace it") from None
            number += 1
            target = first.with_name(f"{first.stem}-{number}{first.suffix}")
        except OSError:  # a file system without hard links
            if target.exists():
                number += 1
                target = first.with_name(f"{first.stem}-{number}{first.suffix}")
                continue
            part.replace(target)
            return target
        else:
            return target
