"""Which noun each colour of a brief belongs to: the one it stands before, or the one it is said of."""

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

from .interior import HAIR, MANNERS, ON_HAIR, PARTS
from .vocabulary import COLOURS

ROLES = {word: role for role, words in PARTS.items() for word in words.split()}
_STOPS = frozenset(
    "a an the on in with of at by to under over near next behind wearing is are for her his".split()
)
_SAID = frozenset("is are in dyed painted coloured colored".split())
_JOINED = re.compile(r"\b([^\W\d_]+)-?(haired|bearded|eyed)\b")
_WHOLE = {"haired": "hair", "bearded": "beard", "eyed": "eye"}
_REACH = 4


class Named(NamedTuple):
    """A colour the brief names, with its ``#rrggbb`` code."""

    name: str
    code: str


class Tint(NamedTuple):
    """A colour and what it colours: a part such as ``hair``, or ``subject`` and the noun."""

    colour: Named
    part: str
    noun: str


def unfold(text: str) -> str:
    """Casefolded text with "red-haired" and its like as two words."""
    return _JOINED.sub(lambda found: f"{found[1]} {_WHOLE[found[2]]}", text)


def bind(words: Sequence[str], nouns: Container[str]) -> tuple[Tint, ...]:
    """Every colour with its noun, in the order named; ``nouns`` are the subjects there are."""
    tints: list[Tint] = []
    for position, word in enumerate(words):
        if word in HAIR:
            tints.append(Tint(Named(word, HAIR[word]), "hair", "hair"))
            continue
        colour = _colour(word)
        if colour is None and not (
            word in ON_HAIR and _noun(words, position, nouns) in PARTS["hair"].split()
        ):
            continue
        noun = _noun(words, position, nouns)
        part = ROLES.get(noun, "subject")
        if part in {"hair", "beard"} and word in ON_HAIR:
            colour = Named(word, ON_HAIR[word])
        if colour is not None:
            tints.append(Tint(colour, part, noun))
    return tuple(tints)


def manners(words: Sequence[str], nouns: Container[str]) -> frozenset[str]:
    """The extras that adjectives before "hair" become."""
    return frozenset(
        MANNERS[word]
        for position, word in enumerate(words)
        if word in MANNERS and ROLES.get(_noun(words, position, nouns)) == "hair"
    )


def _colour(word: str) -> Named | None:
    if word.startswith("#"):
        full = word if len(word) == 7 else "#" + "".join(digit * 2 for digit in word[1:])
        return Named(full, full)
    return Named(word, COLOURS[word]) if word in COLOURS else None


def _noun(words: Sequence[str], position: int, nouns: Container[str]) -> str:
    """The noun that the adjective at ``position`` belongs to, or nothing."""
    for ahead in range(position + 1, min(len(words), position + 1 + _REACH)):
        word = words[ahead]
        if word == "and" and ahead + 1 < len(words) and _colour(words[ahead + 1]):
            continue
        if word in _STOPS or word == "and":
            break
        if word in ROLES or (word in nouns and word not in HAIR and _colour(word) is None):
            return word
        # "white roses": a colour's name that ends the group is the thing itself.
        if word in nouns and (ahead + 1 == len(words) or words[ahead + 1] in _STOPS):
            return word
    if position >= 2 and words[position - 1] in _SAID and (words[position - 2] in ROLES):
        return words[position - 2]
    return ""
