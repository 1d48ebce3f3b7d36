import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .._setup import EngineOptions

Precision = Literal["auto", "float32", "float16", "bfloat16"]
_INSTALL = "pip install 'terrarium-server[local]'"


class LocalOptions(EngineOptions):
    """What an owner may say of an engine on PyTorch."""

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
        description="Fetch a model from the hub when it is first asked for; else it must be here.",
    )
    idle_seconds: float = Field(
        default=300.0, gt=0, description="How long a model stays in memory after its last job, in seconds."
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Processor cores to compute on; by default all of them."
    )


class LocalCard(BaseModel):
    """What a card may say under ``[options]`` for an engine on PyTorch."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str = Field(min_length=1, max_length=1000)
    revision: str | None = Field(default=None, pattern=r"^[\w][\w./-]*$")
    variant: str | None = Field(default=None, pattern=r"^\w+$")
    dtype: Precision = "auto"
    trust_remote_code: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Read a card's ``[options]``. Raises ValueError that names what is wrong and what is taken."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            causes = "; ".join(
                f"options.{'.'.join(str(part) for part in cause['loc'])}: {cause['msg']}"
                for cause in error.errors()
            )
            takes = ", ".join(cls.model_fields)
            raise ValueError(f"{causes}; a card for this kind of engine takes: {takes}") from error


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model comes from: ``folder`` on this machine, or ``hub`` as owner/name."""

    hub: str | None
    folder: str | None
    revision: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as what `Place` can be built from again."""
        return asdict(self)


def place_of(card: LocalCard, folder: Path) -> Place:
    """Say where a card's model comes from; paths begin with /, ~ or a dot, all else is a hub's owner/name."""
    if re.match(r"[/~.]", card.model):
        path = Path(os.path.abspath(folder.expanduser() / Path(card.model).expanduser()))
        return Place(None, str(path), None)
    return Place(card.model, None, card.revision)


def trouble(place: Place, needs: Iterable[str], *, file: str, download: bool) -> str | None:
    """Say why a model cannot be loaded, quickly and without importing anything heavy; None if it can.

    ``needs`` are the libraries, ``file`` is one that every model of the kind has.
    """
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed; {_INSTALL}"
    if place.folder is not None:
        if not Path(place.folder).is_dir():
            return f"there is no folder {place.folder}; put the model there, or correct `model` in the card"
        if not (Path(place.folder) / file).is_file():
            return f"{place.folder} has no {file}; it must be a model as the library saves it"
        return None
    assert place.hub is not None
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", place.hub):
        return f"`model` is {place.hub}; write the hub's owner/name, or a path that begins with /, ~ or ./"
    if download or in_cache(place, file):
        return None
    revision = f" --revision {place.revision}" if place.revision else ""
    return (
        f"{place.hub} is not on this machine; say download = true for this engine, and what is needed comes"
        f" with the first job (or fetch all of it: hf download {place.hub}{revision})"
    )


def in_cache(place: Place, file: str) -> bool:
    """Look for a hub's model in its cache, by the layout that huggingface_hub documents."""
    assert place.hub is not None
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    home = Path(os.environ.get("HF_HOME") or home).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    there = cache / f"models--{place.hub.replace('/', '--')}"
    revision = place.revision or "main"
    try:
        commit = (there / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        commit = revision
    return (there / "snapshots" / commit / file).is_file()
