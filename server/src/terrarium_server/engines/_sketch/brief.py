"""Reads a brief: what it shows, in which light, in which colours, in which style."""

import re
import unicodedata
from dataclasses import dataclass

from .vocabulary import (
    BACKDROP_WORDS,
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

_TOKEN = re.compile(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|[^\W_]+(?:[-'’][^\W_]+)*|[.,;:!?]")
_QUOTES = re.compile(r"[\"“”«]([^\"“”«»\n]{1,80})[\"“”»]|(?<!\w)['‘]([^'‘’\n]{2,80})['’](?!\w)")


@dataclass(frozen=True)
class Named:
    """A colour the brief names, with its ``#rrggbb`` code."""

    name: str
    code: str


@dataclass(frozen=True)
class Brief:
    """What a prompt asks for, in the painter's words."""

    text: str
    scene: str
    prop: str
    light: str
    style: str
    subject_word: str
    colours: tuple[Named, ...]
    backdrop: tuple[Named, ...]
    quotes: tuple[str, ...]
    extras: frozenset[str]
    known: bool


def read(prompt: str) -> Brief:
    """Read any text, at most 20,000 characters of it; words that mean nothing here are passed over."""
    # Lone surrogates cannot be written out again; they become question marks here, once.
    sound = prompt[:20_000].encode("utf-8", "replace").decode("utf-8")
    text = " ".join(unicodedata.normalize("NFKC", sound).split())
    quotes = tuple(" ".join((a or b).split()) for a, b in _QUOTES.findall(text))[:3]
    words = _words(_QUOTES.sub(" ", text).casefold())
    subject, subject_word = _subject(words)
    light = _vote(words, _LIGHTS)
    colours, backdrop = _colours(words)
    extras = frozenset(extra for word in words for extra in _EXTRAS.get(word, ()))
    if not light:
        light = _default_light(subject.scene if subject else "abstract")
    return Brief(
        text=text,
        scene=subject.scene if subject else "abstract",
        prop=subject.prop if subject else "liquid",
        light=light,
        style=_vote(words, _STYLES),
        subject_word=subject_word,
        colours=colours,
        backdrop=backdrop,
        quotes=tuple(quote for quote in quotes if quote),
        extras=extras,
        known=subject is not None,
    )


def _index(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in table.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), name)
    return found


_SUBJECTS: dict[str, Subject] = {}
for _entry in SUBJECTS:
    for _word in _entry.words.split():
        _SUBJECTS.setdefault(_word, _entry)
_LIGHTS = _index(LIGHT_WORDS)
_EXTRAS = _index(EXTRA_WORDS)
_STYLES = _index(STYLE_WORDS)


def _words(text: str) -> list[str]:
    """Tokens with phrases joined, plurals folded and negated words dropped."""
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
            words.append(_singular(token))
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
        if form in _SUBJECTS or form in _EXTRAS or form in _LIGHTS or form in _STYLES or form in COLOURS:
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
            weight -= 4.5 if following in _SUBJECTS else 2
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


def _colours(words: list[str]) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Colours of the subject and colours of its surroundings, in the order named."""
    subject: list[Named] = []
    backdrop: list[Named] = []
    for position, word in enumerate(words):
        if word.startswith("#"):
            full = word if len(word) == 7 else "#" + "".join(digit * 2 for digit in word[1:])
            named = Named(full, full)
        elif word in COLOURS:
            named = Named(word, COLOURS[word])
        else:
            continue
        following = words[position + 1 : position + 2]
        group = backdrop if following and following[0] in BACKDROP_WORDS else subject
        if named not in group and len(group) < 5:
            group.append(named)
    return tuple(subject), tuple(backdrop)


def _default_light(scene: str) -> str:
    """The light a scene looks best in when the brief does not say."""
    return {"product": "sunlit", "sea": "sunset", "desert": "golden", "city": "bluehour", "space": "night",
            "forest": "foggy", "room": "sunlit", "mountains": "dawn"}.get(scene, "day")  # fmt: skip
