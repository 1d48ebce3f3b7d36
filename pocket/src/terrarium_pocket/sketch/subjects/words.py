"""The words for figures of outdoor scenes, and how many of each a prompt names."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..binding import Tint
from ..vocabulary import Subject


class FigureGroup(NamedTuple):
    """Figures of one kind that a prompt names: how many, and their ``#rrggbb`` code, if it names one."""

    kind: str
    number: int
    colour: str = ""


# Kind, the scene for prompts that name none, how many a plural means, and its words.
_KINDS: tuple[tuple[str, str, int, str], ...] = (
    ("lighthouse", "sea", 2, "lighthouse"),
    ("castle", "meadow", 2, "castle fortress citadel palace"),
    ("windmill", "meadow", 3, "windmill mill"),
    ("cabin", "mountains", 3, "cabin chalet lodge hut"),
    ("cottage", "meadow", 3, "cottage house farmhouse farm village hamlet"),
    ("barn", "meadow", 2, "barn"),
    ("tent", "mountains", 3, "tent camp campsite camping"),
    ("ship", "sea", 2, "ship galleon frigate schooner"),
    ("rowboat", "mountains", 2, "rowboat canoe kayak rower"),
    ("sailboat", "sea", 3, "sailboat yacht boat sail sailing regatta"),
    ("balloon", "mountains", 5, "balloon"),
    ("fox", "forest", 2, "fox vixen"),
    ("deer", "forest", 3, "deer stag elk reindeer"),
    ("doe", "forest", 3, "doe roe fawn"),
    ("wolf", "forest", 3, "wolf"),
    ("dog", "meadow", 2, "dog puppy hound"),
    ("bear", "forest", 2, "bear grizzly"),
    ("horse", "meadow", 3, "horse pony stallion mare mustang"),
    ("camel", "desert", 4, "camel dromedary caravan"),
    ("elephant", "meadow", 3, "elephant"),
    ("rabbit", "meadow", 2, "rabbit hare bunny"),
    ("cat", "meadow", 2, "cat kitten"),
    ("whale", "sea", 2, "whale humpback"),
    ("bird", "sea", 9, "bird gull seagull"),
    ("umbrella", "city", 3, "umbrella"),
    ("walker", "meadow", 3, "walker hiker wanderer traveller traveler pilgrim wayfarer figure"),
)

# Scenes with figures.
OUTDOORS = frozenset(["sea", "mountains", "meadow", "desert", "forest", "city"])

# A figure's own scene, for prompts that name no place: any word for a place weighs more.
OUTDOOR_SUBJECTS: tuple[Subject, ...] = tuple(Subject(scene, "", 1.0, words) for _, scene, _, words in _KINDS)

_PLURALS: Mapping[str, int] = {kind: count for kind, _, count, _ in _KINDS}
KIND_OF: Mapping[str, str] = {word: kind for kind, _, _, words in _KINDS for word in words.split()}
_NUMBERS: Mapping[str, int] = {
    "two": 2, "pair": 2, "couple": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "several": 4, "many": 6, "group": 4, "herd": 5, "pack": 5, "fleet": 5, "caravan": 4, "flock": 11,
    "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 7, "village": 4, "hamlet": 4, "regatta": 5,
}  # fmt: skip
_MOST, _MOST_KINDS = 12, 4


def find_figure_groups(
    tokens: Sequence[str], words: Sequence[str], tints: Sequence[Tint]
) -> tuple[FigureGroup, ...]:
    """The figures that a prompt names; ``words`` are its ``tokens`` in the singular."""
    groups: dict[str, FigureGroup] = {}
    for position, (word, token) in enumerate(zip(words, tokens, strict=True)):
        kind = KIND_OF.get(word) or KIND_OF.get(word.removesuffix("s"), "")
        if not kind or (len(groups) == _MOST_KINDS and kind not in groups):
            continue
        before = words[max(0, position - 3) : position + 1]
        plural = _PLURALS[kind] if token.endswith("s") and token not in KIND_OF else 1
        count = next((_NUMBERS[near] for near in reversed(before) if near in _NUMBERS), plural)
        colour = next((tint.colour.code for tint in tints if tint.noun == word), "")
        earlier = groups.get(kind, FigureGroup(kind, 1))
        groups[kind] = FigureGroup(kind, min(_MOST, max(count, earlier.number)), colour or earlier.colour)
    if "umbrella" in groups:
        # "A figure under an umbrella" is one person.
        groups.pop("walker", None)
    return tuple(groups.values())
