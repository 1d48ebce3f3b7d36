"""Cards that came with installed distributions, this one's included."""

import logging
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from terrarium_server.distributions import FAILURES, cause_of, distribution_of

from ._cards import CardError, ModelCard, read_card

_log = logging.getLogger(__name__)

# An entry point's value is a package that holds cards; the package may have no code.
GROUP = "terrarium.cards"


def installed_cards() -> dict[str, ModelCard]:
    """Return the installed cards by id.

    A package that cannot be found, a wrong card and all cards with the same id are logged and left out.
    """
    cards: dict[str, ModelCard] = {}
    sources: dict[str, list[str]] = {}
    for path, distribution in _files().items():
        try:
            card = read_card(path)
        except CardError as error:
            _log.warning("a model of %s is left out: %s; update or uninstall it", distribution, error)
            continue
        cards[card.id] = card
        sources.setdefault(card.id, []).append(f"{path} of {distribution}")
    for model, files in sources.items():
        if len(files) > 1:
            del cards[model]
            _log.warning("model %s is left out: uninstall all but one of %s", model, " and ".join(files))
    return cards


def _files() -> dict[Path, str]:
    """Return the files of all installed cards, each with its distribution."""
    entries = sorted(entry_points(group=GROUP), key=lambda entry: (entry.value, entry.name))
    return {
        path: distribution_of(entry)
        for entry in entries
        for folder in _folders(entry)
        for path in sorted(folder.glob("*.toml"))
    }


def _folders(entry: EntryPoint) -> list[Path]:
    try:
        spec = find_spec(entry.value)
        if spec is not None and spec.submodule_search_locations is not None:
            return [Path(location) for location in spec.submodule_search_locations]
        why = "there is no such package"
    except FAILURES as error:
        # Finding a package imports the packages above it.
        why = cause_of(error)
    distribution = distribution_of(entry)
    _log.warning("the cards in %s are left out: %s; reinstall %s", entry.value, why, distribution)
    return []
