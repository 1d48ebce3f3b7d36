"""Cards that came with installed distributions, this one's included."""

import logging
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

_log = logging.getLogger(__name__)

# An entry point's value is a package that holds cards; the package may have no code.
GROUP = "terrarium.cards"


def installed_cards() -> list[Path]:
    """Return the files of all installed cards. A package that cannot be found is logged and left out."""
    entries = sorted(entry_points(group=GROUP), key=lambda entry: (entry.value, entry.name))
    return [card for entry in entries for folder in _folders(entry) for card in sorted(folder.glob("*.toml"))]


def _folders(entry: EntryPoint) -> list[Path]:
    try:
        spec = find_spec(entry.value)
        if spec is not None and spec.submodule_search_locations is not None:
            return [Path(location) for location in spec.submodule_search_locations]
        why = "there is no such package"
    except Exception as error:
        # Finding a package imports the packages above it, and they are anybody's.
        why = str(error)
    distribution = entry.dist.name if entry.dist else entry.value
    _log.warning("the cards in %s are left out: %s; reinstall %s", entry.value, why, distribution)
    return []
