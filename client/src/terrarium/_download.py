"""Saving an output: text is written, anything else is streamed to a file that appears only when complete."""

from __future__ import annotations

import mimetypes
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from uuid import uuid4

import httpx

from ._config import Config
from ._errors import APIConnectionError, status_error
from ._operation import Request, Send, Sleep, Steps
from ._pace import Pace
from ._prepare import authorization
from ._retry import pause, worth_retrying
from ._wire import RunOutput

# What mimetypes does not know everywhere, or gives an unusual name.
_SUFFIXES = {"image/webp": ".webp", "image/avif": ".avif", "audio/wav": ".wav", "audio/x-wav": ".wav"}
_USUAL = {"imageUrl": ".png", "videoUrl": ".mp4", "audioUrl": ".wav", "documentUrl": ".pdf"}


def download(
    output: RunOutput | str,
    to: str | os.PathLike[str],
    config: Config,
    pace: Pace,
    *,
    name: str | None,
    overwrite: bool,
) -> Steps[Path]:
    """Save ``output`` and give the path; see ``Flora.download``."""
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
            found = f"{name or 'output'}.txt"
        else:
            url = output.url if isinstance(output, RunOutput) else output
            response = yield from _stream(url, _File(part), config, pace)
            found = _file_name(response, output, name)
        return _settle(part, folder / found if into_folder else target, numbered=into_folder, over=overwrite)
    finally:
        part.unlink(missing_ok=True)


class _File:
    """A file that is written from its start again at each attempt."""

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


def _stream(url: str, sink: _File, config: Config, pace: Pace) -> Steps[httpx.Response]:
    try:
        address = config.base_url.join(url)
        headers = {"accept": "*/*", "user-agent": config.user_agent, **authorization(config, address)}
        request = Request("GET", address, headers, None, config.timeout)
        for attempt in range(config.max_retries + 1):
            is_last = attempt == config.max_retries
            told = None
            try:
                response: httpx.Response = yield Send(request, sink)
            except APIConnectionError:
                if is_last:
                    raise
            else:
                if response.status_code < 400:
                    return response
                told = response.headers
                if is_last or not worth_retrying(response.status_code, told):
                    raise status_error(response)
            yield Sleep(pause(attempt, told, now=pace.now(), chance=pace.chance()))
        raise AssertionError("the last attempt either answers or raises")
    finally:
        sink.close()


def _file_name(response: httpx.Response, output: RunOutput | str, name: str | None) -> str:
    path = PurePosixPath(unquote(response.request.url.path))
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(kind) or (mimetypes.guess_extension(kind) if kind else None)
    if suffix in (None, ".bin"):
        suffix = path.suffix or (_USUAL.get(output.type, "") if isinstance(output, RunOutput) else "")
    # The address is the server's word; nothing of it but plain characters becomes a file name.
    stem = name or re.sub(r"[^\w.-]+", "-", path.stem).strip(".-") or "output"
    return f"{stem}{suffix}"


def _settle(part: Path, target: Path, *, numbered: bool, over: bool) -> Path:
    """Give the finished file its name; in a folder, a free one (``name-2.png``)."""
    if over:
        part.replace(target)
        return target
    wanted, number = target, 1
    while True:
        try:
            # Unlike a rename, a link refuses a name that somebody has taken meanwhile.
            os.link(part, target)
        except FileExistsError:
            if not numbered:
                raise FileExistsError(f"{target} exists; pass overwrite=True to replace it") from None
            number += 1
            target = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        except OSError:  # a file system without links
            if target.exists():
                number += 1
                target = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
                continue
            part.replace(target)
            return target
        else:
            return target
