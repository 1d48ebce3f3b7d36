"""Parses a prompt: subject, light, colours, style."""

import re
import unicodedata
from dataclasses import dataclass

from .binding import ROLES, NamedColour, Tint, bind_colours, hair_extras, split_compounds
from .interior import GENERIC_PORTRAITS, INDOOR_EXTRAS, INTERIOR, VESSELS
from .subjects.words import KIND_OF, OUTDOOR_SUBJECTS, OUTDOORS, FigureGroup, find_figure_groups
from .vocabulary import COLOURS, EXTRA_WORDS, LIGHT_WORDS, NEGATIONS, PHRASES, STYLE_WORDS, SUBJECTS, Subject

# Later words are ignored: a prompt names its subject early.
WORD_LIMIT = 400

# Scenes that paint a named part, such as hair or a lamp, in a colour of its own.
_WITH_PARTS = frozenset(["portrait", "product", "room", "flowers"])

_TOKEN = re.compile(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|[^\W_]+(?:[-'’][^\W_]+)*|[.,;:!?]")
_QUOTES = re.compile(r"[\"“”«]([^\"“”«»\n]{1,80})[\"“”»]|(?<!\w)['‘]([^'‘’\n]{2,80})['’](?!\w)")


@dataclass(frozen=True)
class ParsedPrompt:
    """What a prompt asks for, in words of the vocabulary.

    ``variant`` is what the scene shows, such as ``mug``. ``tints`` are all colours with their nouns;
    ``colours`` are those of the subject, ``backdrop`` those of its surroundings. ``extras`` are further
    features, such as ``rain``. ``figure_groups`` stand in an outdoor scene. ``recognised`` is false where
    the prompt names no known subject.
    """

    text: str
    scene: str
    variant: str
    light: str
    style: str
    subject_word: str
    colours: tuple[NamedColour, ...]
    backdrop: tuple[NamedColour, ...]
    tints: tuple[Tint, ...]
    quotes: tuple[str, ...]
    extras: frozenset[str]
    recognised: bool
    figure_groups: tuple[FigureGroup, ...] = ()

    def tint(self, *parts: str) -> str | None:
        """The ``#rrggbb`` code of the first of these parts (such as ``hair``) that has one."""
        return next((tint.colour.code for part in parts for tint in self.tints if tint.part == part), None)


def parse_prompt(prompt: str) -> ParsedPrompt:
    """Parse any text, at most 20,000 characters of it; unknown words are ignored."""
    # Lone surrogates cannot be encoded again; here they become question marks.
    valid = prompt[:20_000].encode("utf-8", "replace").decode("utf-8")
    text = " ".join(unicodedata.normalize("NFKC", valid).split())
    quotes = tuple(" ".join((a or b).split()) for a, b in _QUOTES.findall(text))[:3]
    tokens = _words(split_compounds(_QUOTES.sub(" ", text).casefold()))
    words = [_singular(word) for word in tokens]
    subject, subject_word = _resolve_subject(words, *_subject(words))
    light = _vote(words, _LIGHTS)
    tints = bind_colours(words, _SUBJECTS)
    scene = subject.scene if subject else "abstract"
    figures = find_figure_groups(tokens, words, tints) if scene in OUTDOORS else ()
    # The colour of a figure does not colour the land around it.
    loose = tuple(tint for tint in tints if not figures or tint.noun not in KIND_OF)
    colours, backdrop = _colours(loose, subject_word, parts=scene in _WITH_PARTS)
    extras = hair_extras(words, _SUBJECTS).union(*(_EXTRAS.get(word, ()) for word in words))
    if subject and VESSELS.intersection(words) and subject.variant in {"bouquet", "fruit"}:
        extras |= {"vessel"}
    if not light:
        light = _default_light(scene)
    return ParsedPrompt(
        text=text,
        scene=scene,
        variant=subject.variant if subject else "liquid",
        light=light,
        style=_vote(words, _STYLES),
        subject_word=subject_word,
        colours=colours,
        backdrop=backdrop,
        tints=tints,
        quotes=tuple(quote for quote in quotes if quote),
        extras=extras,
        recognised=subject is not None,
        figure_groups=figures,
    )


def _index(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    index: dict[str, tuple[str, ...]] = {}
    for name, words in table.items():
        for word in words.split():
            index[word] = (*index.get(word, ()), name)
    return index


_SUBJECTS: dict[str, Subject] = {}
for _entry in (*INTERIOR, *SUBJECTS, *OUTDOOR_SUBJECTS):
    for _word in _entry.words.split():
        _SUBJECTS.setdefault(_word, _entry)
_LIGHTS = _index(LIGHT_WORDS)
_EXTRAS = _index({**EXTRA_WORDS, **INDOOR_EXTRAS})
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
    """The singular if the vocabulary knows it, else the word itself."""
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
        if any(form in words for words in (_SUBJECTS, _EXTRAS, _LIGHTS, _STYLES, COLOURS, ROLES)):
            return form
    for part in word.split("-"):
        if part != word and (part in _SUBJECTS or part in COLOURS or part in _LIGHTS):
            return part
    return word


def _subject(words: list[str]) -> tuple[Subject | None, str]:
    """The named subject of the highest weight; between equals the first."""
    best: Subject | None = None
    best_word = ""
    best_score = 0.0
    for position, word in enumerate(words):
        entry = _SUBJECTS.get(word)
        if entry is None:
            continue
        weight = entry.weight
        if word in COLOURS:
            # "rose" or "orange" may be a colour, and is one right before a subject.
            following = words[position + 1] if position + 1 < len(words) else ""
            weight -= 6 if following in _SUBJECTS else 2
        score = weight - 0.35 * min(position, 12)
        if best is None or score > best_score:
            best, best_word, best_score = entry, word, score
    return best, best_word


def _vote(words: list[str], index: dict[str, tuple[str, ...]]) -> str:
    """The name with the most words in the prompt; between equals the first."""
    counts: dict[str, int] = {}
    for word in words:
        for name in index.get(word, ()):
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""


def _resolve_subject(words: list[str], subject: Subject | None, word: str) -> tuple[Subject | None, str]:
    """The subject after combination with others: a cat in a portrait, roses in a vase, fruit in a bowl."""
    if subject is None:
        return subject, word
    named = [
        (_SUBJECTS[other], other) for other in words if other in _SUBJECTS and not _only_colour(words, other)
    ]
    if subject.scene == "portrait" and word in GENERIC_PORTRAITS:
        fits = [pair for pair in named if pair[0].scene == "portrait" and pair[1] not in GENERIC_PORTRAITS]
    elif word in VESSELS:
        fits = [
            pair for pair in named if pair[0].variant in {"bouquet", "fruit", "ramen"} and pair[0].weight >= 6
        ]
    else:
        fits = []
    return fits[0] if fits else (subject, word)


def _only_colour(words: list[str], word: str) -> bool:
    """Whether a word such as "rose" is only a colour: it stands before another noun."""
    position = words.index(word)
    following = words[position + 1] if position + 1 < len(words) else ""
    return word in COLOURS and following in _SUBJECTS


def _colours(
    tints: tuple[Tint, ...], subject: str, *, parts: bool
) -> tuple[tuple[NamedColour, ...], tuple[NamedColour, ...]]:
    """Colours of the subject and of its surroundings, in the order of the prompt.

    With ``parts``, colours of parts such as hair are left out: the scene paints those parts itself.
    """
    around = [tint for tint in tints if tint.part in {"wall", "table"} and tint.noun != subject]
    own = [tint for tint in tints if tint not in around
           and (not parts or tint.part == "subject" or tint.noun == subject)]  # fmt: skip
    # "white roses": the name of a flower is a colour only where no other colour is given.
    own = [tint for tint in own if tint.noun or tint.colour.name not in _SUBJECTS] or own
    first, second = (tuple(dict.fromkeys(tint.colour for tint in group))[:5] for group in (own, around))
    return first, second


def _default_light(scene: str) -> str:
    """The light of a scene for which the prompt names none."""
    return {"product": "sunlit", "sea": "sunset", "desert": "golden", "city": "bluehour", "space": "night",
            "forest": "foggy", "room": "sunlit", "mountains": "dawn"}.get(scene, "day")  # fmt: skip
