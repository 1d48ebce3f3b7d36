"""The folder of weights: one copy for all servers of a user, named by the SHA-256 of the download."""

import os
from pathlib import Path

from ._cards import ModelCard, Weights


def weights_folder() -> Path:
    """Return the folder of all weights: ``TERRARIUM_WEIGHTS_DIR``, else in the user's cache."""
    folder = os.environ.get("TERRARIUM_WEIGHTS_DIR")
    if folder:
        return Path(folder)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "terrarium" / "weights"


def folder_of(weights: Weights, folder: Path) -> Path:
    """Return the folder for one card's weights, which may not exist."""
    return folder / weights.sha256


def find_weights(card: ModelCard, folder: Path) -> dict[str, Path] | None:
    """Return the files of a card's weights by the names that the engine uses; None if one is missing.

    They need no check: `pull` moves only checked files into this folder.
    """
    if card.weights is None:
        return {}
    own_folder = folder_of(card.weights, folder)
    files = {name: own_folder / name for name in card.weights.files or (card.weights.name,)}
    return files if all(path.is_file() for path in files.values()) else None
