"""Reads a brief: what it shows, in which light, in which colours, in which style."""

import re
import unicodedata
from dataclasses import dataclass

from .binding import ROLES, Named, Tint, bind, manners, unfold
from .interior import INTERIOR, LOOKS, NOBODY, VESSELS
from .subjects.words import KIND_OF, OUTDOORS, STANDING, Member, members
from .vocabulary import (
    COLOURS,
    EXTRA_WORDS,
    LIGHT_WORDS,
    NEGATIONS,
    PHRASES,
    STYLE_WORDS,
    SUBJECTS,
    Subject,
)

# Words past this many change nothing: a brief says what it shows early.
WORD_LIMIT = 400

# Scenes that paint a named part, such as hair or a lamp, in the colour it is given.
_WITH_PARTS = frozenset(["portrait", "product", "room", "flowers"])

_TOKEN = re.compile(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|[^\W_]+(?:[-'’][^\W_]+)*|[.,;:!?]")
_QUOTES = re.compile(r"[\"“”«]([^\"“”«»\n]{1,80})[\"“”»]|(?<!\w)['‘]([^'‘’\n]{2,80})['’](?!\w)")


@dataclass(frozen=True)
class Brief:
    """What a prompt asks for, in the painter's words.

    ``tints`` are all its colours with what they belong to; ``colours`` are those of the subject, ``backdrop``
    those of its surroundings. ``members`` are the figures that stand in an outdoor scene.
    """

    text: str
    scene: str
    prop: str
    light: str
    style: str
    subject_word: str
    colours: tuple[Named, ...]
    backdrop: tuple[Named, ...]
    tints: tuple[Tint, ...]
    quotes: tuple[str, ...]
    extras: frozenset[str]
    known: bool
    members: tuple[Member, ...] = ()

    def tint(self, *parts: str) -> str | None:
        """The ``#rrggbb`` code that the first of these parts is given, such as ``hair``."""
        return next((tint.colour.code for part in parts for tint in self.tints if tint.part == part), None)


def read(prompt: str) -> Brief:
    """Read any text, at most 20,000 characters of it; words that mean nothing here are passed over."""
    # Lone surrogates cannot be written out again; they become question marks here, once.
    sound = prompt[:20_000].encode("utf-8", "replace").decode("utf-8")
    text = " ".join(unicodedata.normalize("NFKC", sound).split())
    quotes = tuple(" ".join((a or b).split()) for a, b in _QUOTES.findall(text))[:3]
    heard = _words(unfold(_QUOTES.sub(" ", text).casefold()))
    words = [_singular(word) for word in heard]
    subject, subject_word = _cast(words, *_subject(words))
    light = _vote(words, _LIGHTS)
    tints = bind(words, _SUBJECTS)
    scene = subject.scene if subject else "abstract"
    figures = members(heard, words, tints) if scene in OUTDOORS else ()
    # What a figure wears does not colour the land around it.
    loose = tuple(tint for tint in tints if not figures or tint.noun not in KIND_OF)
    colours, backdrop = _colours(loose, subject_word, parts=scene in _WITH_PARTS)
    extras = manners(words, _SUBJECTS).union(*(_EXTRAS.get(word, ()) for word in words))
    if subject and VESSELS.intersection(words) and subject.prop in {"bouquet", "fruit"}:
        extras |= {"vessel"}
    if not light:
        light = _default_light(scene)
    return Brief(
        text=text,
        scene=scene,
        prop=subject.prop if subject else "liquid",
        light=light,
        style=_vote(words, _STYLES),
        subject_word=subject_word,
        colours=colours,
        backdrop=backdrop,
        tints=tints,
        quotes=tuple(quote for quote in quotes if quote),
        extras=extras,
        known=subject is not None,
        members=figures,
    )


def _index(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in table.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), name)
    return found


_SUBJECTS: dict[str, Subject] = {}
for _entry in (*INTERIOR, *SUBJECTS, *STANDING):
    for _word in _entry.words.split():
        _SUBJECTS.setdefault(_word, _entry)
_LIGHTS = _index(LIGHT_WORDS)
_EXTRAS = _index({**EXTRA_WORDS, **LOOKS})
_STYLES = _index(STYLE_WORDS)


def _words(text: str) -> list[str]:
    """Tokens with phrases joined and negated words dropped."""
    tokens = _TOKEN.findall(text)[: WORD_LIMIT * 2]
    words: list[str] = []
    skip = 0
    position = 0
    while position < len(tokens) and len(words) < WORD_LIMIT:
        token = tokens[position]
        pair = f"{token} {tokens[position + 1]}" if position + 1 < len(tokens) else ""
        position += 1
        if token in ".,;:!?":
            skip = 0
        elif skip:
            skip -= 1
        elif token in NEGATIONS:
            skip = 2
        elif pair in PHRASES:
            words.append(PHRASES[pair])
            position += 1
        else:
            words.append(token)
    return words


def _singular(word: str) -> str:
    """The form the vocabulary knows, or the word itself."""
    forms = [word, word.removesuffix("'s").removesuffix("’s")]
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    if word.endswith("ves"):
        forms.append(word[:-3] + "f")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s"):
        forms.append(word[:-1])
    for form in forms:
        if any(form in known for known in (_SUBJECTS, _EXTRAS, _LIGHTS, _STYLES, COLOURS, ROLES)):
            return form
    for part in word.split("-"):
        if part != word and (part in _SUBJECTS or part in COLOURS or part in _LIGHTS):
            return part
    return word


def _subject(words: list[str]) -> tuple[Subject | None, str]:
    """The heaviest subject named; between equals the one named first."""
    best: Subject | None = None
    best_word = ""
    best_score = 0.0
    for position, word in enumerate(words):
        entry = _SUBJECTS.get(word)
        if entry is None:
            continue
        weight = entry.weight
        if word in COLOURS:
            # "rose" or "orange" may be only a colour, and is nothing else right before a subject.
            following = words[position + 1] if position + 1 < len(words) else ""
            weight -= 6 if following in _SUBJECTS else 2
        score = weight - 0.35 * min(position, 12)
        if best is None or score > best_score:
            best, best_word, best_score = entry, word, score
    return best, best_word


def _vote(words: list[str], index: dict[str, tuple[str, ...]]) -> str:
    """The name with the most words for it; between equals the one named first."""
    counts: dict[str, int] = {}
    for word in words:
        for name in index.get(word, ()):
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""


def _cast(words: list[str], subject: Subject | None, word: str) -> tuple[Subject | None, str]:
    """The subject once what belongs together is seen: who sits for a portrait, what stands in a vase."""
    if subject is None:
        return subject, word
    named = [
        (_SUBJECTS[other], other) for other in words if other in _SUBJECTS and not _only_colour(words, other)
    ]
    if subject.scene == "portrait" and word in NOBODY:
        fits = [pair for pair in named if pair[0].scene == "portrait" and pair[1] not in NOBODY]
    elif word in VESSELS:
        fits = [
            pair for pair in named if pair[0].prop in {"bouquet", "fruit", "ramen"} and pair[0].weight >= 6
        ]
    else:
        fits = []
    return fits[0] if fits else (subject, word)


def _only_colour(words: list[str], word: str) -> bool:
    """Whether a word such as "rose" stands before another noun, where it is no more than a colour."""
    position = words.index(word)
    following = words[position + 1] if position + 1 < len(words) else ""
    return word in COLOURS and following in _SUBJECTS


def _colours(
    tints: tuple[Tint, ...], subject: str, *, parts: bool
) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Colours of the subject and of its surroundings, in the order named; ``parts`` keep their own."""
    around = [tint for tint in tints if tint.part in {"wall", "table"} and tint.noun != subject]
    own = [tint for tint in tints if tint not in around
           and (not parts or tint.part == "subject" or tint.noun == subject)]  # fmt: skip
    # "white roses": the name of a flower is a colour only where no other is given.
    own = [tint for tint in own if tint.noun or tint.colour.name not in _SUBJECTS] or own
    first, second = (tuple(dict.fromkeys(tint.colour for tint in group))[:5] for group in (own, around))
    return first, second


def _default_light(scene: str) -> str:
    """The light a scene looks best in when the brief does not say."""
    return {"product": "sunlit", "sea": "sunset", "desert": "golden", "city": "bluehour", "space": "night",
            "forest": "foggy", "room": "sunlit", "mountains": "dawn"}.get(scene, "day")  # fmt: skip
