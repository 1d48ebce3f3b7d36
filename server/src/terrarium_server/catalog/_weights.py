"""Where weights lie on this machine: one copy for all servers of its user, named by what was downloaded."""

import os
from pathlib import Path

from ._cards import ModelCard, Weights


def weights_folder() -> Path:
    """Return the folder of all weights: ``TERRARIUM_WEIGHTS_DIR``, else in the user's cache."""
    chosen = os.environ.get("TERRARIUM_WEIGHTS_DIR")
    if chosen:
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "terrarium" / "weights"


def folder_of(weights: Weights, folder: Path) -> Path:
    """Return where one card's weights lie, there or not."""
    return folder / weights.sha256


def find_weights(card: ModelCard, folder: Path) -> dict[str, Path] | None:
    """Return the files of a card's weights by the names the engine asks for; None if they are not there.

    They were checked when they were fetched, and moved to their place only then.
    """
    if card.weights is None:
        return {}
    place = folder_of(card.weights, folder)
    found = {name: place / name for name in card.weights.files or (card.weights.name,)}
    return found if all(path.is_file() for path in found.values()) else None
