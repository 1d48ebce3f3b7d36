"""Finds the noun that each colour of a prompt belongs to: "red hair", "her hair is red"."""

import re
from collections.abc import Container, Sequence
from typing import NamedTuple

from .interior import HAIR_ADJECTIVES, HAIR_NOUNS, HAIR_SHADES, PARTS
from .vocabulary import COLOURS

ROLES = {word: role for role, words in PARTS.items() for word in words.split()}
_STOPS = frozenset(
    "a an the on in with of at by to under over near next behind wearing is are for her his".split()
)
_LINKING_WORDS = frozenset("is are in dyed painted coloured colored".split())
_COMPOUND = re.compile(r"\b([^\W\d_]+)-?(haired|bearded|eyed)\b")
_PART_OF = {"haired": "hair", "bearded": "beard", "eyed": "eye"}
_REACH = 4


class NamedColour(NamedTuple):
    """A colour that the prompt names, with its ``#rrggbb`` code."""

    name: str
    code: str


class Tint(NamedTuple):
    """A colour, the part that it colours (such as ``hair``, else ``subject``), and the prompt's noun."""

    colour: NamedColour
    part: str
    noun: str


def split_compounds(text: str) -> str:
    """Casefolded text in which compounds such as "red-haired" are two words."""
    return _COMPOUND.sub(lambda match: f"{match[1]} {_PART_OF[match[2]]}", text)


def bind_colours(words: Sequence[str], nouns: Container[str]) -> tuple[Tint, ...]:
    """All colours with their nouns, in the order of the prompt; ``nouns`` are the known subjects."""
    tints: list[Tint] = []
    for position, word in enumerate(words):
        if word in HAIR_NOUNS:
            tints.append(Tint(NamedColour(word, HAIR_NOUNS[word]), "hair", "hair"))
            continue
        colour = _colour(word)
        if colour is None and not (
            word in HAIR_SHADES and _noun(words, position, nouns) in PARTS["hair"].split()
        ):
            continue
        noun = _noun(words, position, nouns)
        part = ROLES.get(noun, "subject")
        if part in {"hair", "beard"} and word in HAIR_SHADES:
            colour = NamedColour(word, HAIR_SHADES[word])
        if colour is not None:
            tints.append(Tint(colour, part, noun))
    return tuple(tints)


def hair_extras(words: Sequence[str], nouns: Container[str]) -> frozenset[str]:
    """The extras that follow from adjectives before "hair"."""
    return frozenset(
        HAIR_ADJECTIVES[word]
        for position, word in enumerate(words)
        if word in HAIR_ADJECTIVES and ROLES.get(_noun(words, position, nouns)) == "hair"
    )


def _colour(word: str) -> NamedColour | None:
    if word.startswith("#"):
        full = word if len(word) == 7 else "#" + "".join(digit * 2 for digit in word[1:])
        return NamedColour(full, full)
    return NamedColour(word, COLOURS[word]) if word in COLOURS else None


def _noun(words: Sequence[str], position: int, nouns: Container[str]) -> str:
    """The noun that the adjective at ``position`` belongs to, or an empty string."""
    for ahead in range(position + 1, min(len(words), position + 1 + _REACH)):
        word = words[ahead]
        if word == "and" and ahead + 1 < len(words) and _colour(words[ahead + 1]):
            continue
        if word in _STOPS or word == "and":
            break
        if word in ROLES or (word in nouns and word not in HAIR_NOUNS and _colour(word) is None):
            return word
        # "white roses": a colour's name at the end of the group is the noun itself.
        if word in nouns and (ahead + 1 == len(words) or words[ahead + 1] in _STOPS):
            return word
    if position >= 2 and words[position - 1] in _LINKING_WORDS and (words[position - 2] in ROLES):
        return words[position - 2]
    return ""
