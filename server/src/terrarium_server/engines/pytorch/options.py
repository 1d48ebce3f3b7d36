"""The options of owners and cards for the kinds on PyTorch, and what they refer to."""

import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from terrarium_server.engines.setup import CardOptions, EngineOptions

from .source import ModelSource

Precision = Literal["auto", "float32", "float16", "bfloat16"]
_INSTALL = "pip install 'terrarium-server[local]'"


class LocalOptions(EngineOptions):
    """The owner's options for an engine on PyTorch."""

    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where to compute: auto (a GPU if there is one), cpu, mps, cuda or cuda:1.",
    )
    dtype: Precision = Field(
        default="auto", description="Precision; auto: half (or the card's) on a GPU, float32 elsewhere."
    )
    folder: Path = Field(
        default=Path(),
        description="Where a card's relative path (./name) starts; by default where the server was started.",
    )
    download: bool = Field(
        default=False,
        description="Download a model from the hub when it is first used; otherwise it must be here.",
    )
    idle_seconds: float = Field(
        default=300.0, gt=0, description="How long a model stays in memory after its last job, in seconds."
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Processor cores to compute on; by default all of them."
    )


class LocalCard(CardOptions):
    """A card's ``[options]`` for an engine on PyTorch."""

    model: str = Field(min_length=1, max_length=1000)
    revision: str | None = Field(default=None, pattern=r"^[\w][\w./-]*$")
    variant: str | None = Field(default=None, pattern=r"^\w+$")
    dtype: Precision = "auto"
    trust_remote_code: bool = False


def source_of(card: LocalCard, folder: Path) -> ModelSource:
    """Return where a card's model comes from.

    Paths begin with /, ~ or a dot; everything else is a hub's owner/name.
    """
    if re.match(r"[/~.]", card.model):
        path = Path(os.path.abspath(folder.expanduser() / Path(card.model).expanduser()))
        return ModelSource(None, str(path), None)
    return ModelSource(card.model, None, card.revision)


def source_problem(source: ModelSource, libraries: Iterable[str], *, file: str, download: bool) -> str | None:
    """Return why a model cannot be loaded, or None; quick, and imports nothing heavy.

    ``libraries`` must be installed; ``file`` is one that every model of the kind has.
    """
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed; {_INSTALL}"
    if source.folder is not None:
        if not Path(source.folder).is_dir():
            return f"there is no folder {source.folder}; put the model there, or correct `model` in the card"
        if not (Path(source.folder) / file).is_file():
            return f"{source.folder} has no {file}; it must be a model as the library saves it"
        return None
    assert source.hub is not None
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", source.hub):
        return f"`model` is {source.hub}; write the hub's owner/name, or a path that begins with /, ~ or ./"
    if download or _is_cached(source, file):
        return None
    revision = f" --revision {source.revision}" if source.revision else ""
    return (
        f"{source.hub} is not on this machine; set download = true for this engine to download what is needed"
        f" with the first job (or download all of it: hf download {source.hub}{revision})"
    )


def _is_cached(source: ModelSource, file: str) -> bool:
    """Look for a hub's model in its cache, by the layout that huggingface_hub documents."""
    assert source.hub is not None
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    home = Path(os.environ.get("HF_HOME") or home).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    model = cache / f"models--{source.hub.replace('/', '--')}"
    revision = source.revision or "main"
    try:
        commit = (model / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        commit = revision
    return (model / "snapshots" / commit / file).is_file()
