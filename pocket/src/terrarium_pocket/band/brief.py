"""Reads what a piece should be from the parameters, and from the prompt where they are not set."""

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .instruments import BY_NAME, DRUMS, KNOWN, Instrument
from .moods import MOODS, NEUTRAL, Mood
from .styles import STYLES, Style
from .theory import LETTERS, Key

SECONDS = (5.0, 180.0)
TEMPO = (40, 200)
MOST_INSTRUMENTS = 8

_KEY = re.compile(
    r"([A-Ga-g])\s?(#|♯|b|♭|[ -]?sharp|[ -]?flat)?(?:[ -]?(major|maj|minor|min|m))?", re.IGNORECASE
)
_KEY_IN_TEXT = re.compile(
    r"(?:\b(?:in|key of|key:)\s+(?:the key of\s+)?([A-Ga-g])|\b([A-G]))"
    r"([#♯♭b]|[ -]?sharp|[ -]?flat)?(?![\w#])(?:[ -](major|maj|minor|min)\b)?"
    r"|\b([A-G])([#♯♭b]?)(m)(?!\w)"
)
_AFTER_KEY = re.compile(r"\s*(?:$|[^\w\s]|(?:at|with|and|for|by|on|in|played)\b)")
_BPM = re.compile(
    r"(\d{2,3})\s*-?(?:bpm|beats per minute)|tempo(?: of)?\s+(\d{2,3})|♩\s*=\s*(\d{2,3})", re.IGNORECASE
)
_LENGTH = re.compile(
    r"(half a|(?<![\d.])[\d.]+|a|an|one|two|three|five|ten|fifteen|twenty|thirty|forty|forty-five|sixty"
    r"|ninety)[ -]?(seconds?|secs?|s|minutes?|mins?)\b",
    re.IGNORECASE,
)
_WORDS = "a an one two three five ten fifteen twenty thirty forty forty-five sixty ninety".split()
_NUMBERS = dict(zip(_WORDS, (1, 1, 1, 2, 3, 5, 10, 15, 20, 30, 40, 45, 60, 90), strict=True)) | {
    "half a": 0.5
}
_WITHOUT = re.compile(r"\b(?:no|without|minus)\s+(?:any\s+)?([\w-]+(?: [\w-]+)?(?:(?:,| or| and) [\w-]+)*)")
_ALONE = re.compile(r"\b(solo|unaccompanied|alone|only|nothing but|just)\b")
_IN_THREE = re.compile(r"\b(waltz(?:es)?|3/4|three[- ]four|minuet|triple (?:time|metre|meter))\b")
_IN_FOUR = re.compile(r"\b(4/4|four[- ]four)\b")

# Words for tempi in BPM, and words that scale the style's own tempo.
_TEMPI = {
    "largo": (46, 58), "lento": (50, 62), "adagio": (58, 72), "andante": (74, 92), "moderato": (96, 112),
    "allegretto": (108, 120), "allegro": (120, 144), "vivace": (144, 160), "presto": (160, 184),
}  # fmt: skip
_PACES = {
    "very slow": 0.65, "slow": 0.78, "slowly": 0.78, "laid-back": 0.88, "unhurried": 0.85,
    "very fast": 1.4,
    "fast": 1.24, "quick": 1.2, "brisk": 1.15, "rapid": 1.3, "up-tempo": 1.2, "uptempo": 1.2,
}  # fmt: skip


class BriefError(ValueError):
    """A parameter is invalid; the message says what is valid."""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that is decided before composing. ``tempo`` is exact if ``tempo_given``.

    ``named`` are the requested instruments; if ``alone``, no others play.
    """

    seed: int
    seconds: float
    style: Style
    style_name: str
    mood: Mood
    mood_name: str
    key: Key
    tempo: float
    tempo_given: bool
    beats_per_bar: int
    named: tuple[Instrument, ...]
    alone: bool
    drums: bool


def read_brief(prompt: str, params: Mapping[str, Any], seed: int) -> Brief:
    """Read a prompt and checked parameters. Raises BriefError."""
    text, unwanted = _split(prompt)
    rng = random.Random(f"{seed} brief")
    mood_name, style_name = params.get("mood", "auto"), params.get("style", "auto")
    if mood_name == "auto":
        mood_name = _first(text, {name: mood.words for name, mood in MOODS.items()})
    if style_name == "auto":
        style_name = _first(text, {name: style.words for name, style in STYLES.items()}, later=("waltz",))
    given = params.get("instruments")
    named = _instruments(given) if given else _named(text)
    alone = bool(given) or (bool(named) and _ALONE.search(text) is not None)
    if style_name is None and len(named) == 1 and alone:
        style_name = "classical"
    if style_name is None:
        style_name = rng.choice(MOODS[mood_name].styles if mood_name else NEUTRAL.styles)
    style = _one_of(STYLES, style_name, "style")
    mood = _one_of(MOODS, mood_name, "mood") if mood_name else NEUTRAL
    beats = 3 if _IN_THREE.search(text) else 4 if _IN_FOUR.search(text) else style.beats_per_bar
    tempo, tempo_given = _tempo(params.get("tempo"), text, style, mood, rng)
    refused = {instrument.name for instrument in _named(unwanted)}
    return Brief(
        seed=seed,
        seconds=float(params.get("duration") or _seconds(text) or 30.0),
        style=style,
        style_name=style_name,
        mood=mood,
        mood_name=mood_name or "neutral",
        key=_key(params.get("key", "auto"), prompt, style, mood, random.Random(f"{seed} {text} key")),
        tempo=tempo,
        tempo_given=tempo_given,
        beats_per_bar=beats,
        named=tuple(instrument for instrument in named if instrument.name not in refused),
        alone=alone,
        drums=DRUMS not in refused,
    )


def _split(prompt: str) -> tuple[str, str]:
    """Return a prompt in lower case without its exclusions, such as "no drums", and the exclusions."""
    text = " ".join(prompt.lower().split())
    return _WITHOUT.sub(" ", text), " ".join(_WITHOUT.findall(text))


def _one_of(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise BriefError(f"There is no {what} {name!r}; one of: auto, {', '.join(table)}.")
    return table[name]


def _first(text: str, table: Mapping[str, str], later: tuple[str, ...] = ()) -> str | None:
    """Return the entry whose word comes first in the text; entries of ``later`` only if no other matches."""
    matches: list[tuple[bool, int, int, str]] = []
    for name, words in table.items():
        for word in words.split(", "):
            if match := re.search(rf"\b{re.escape(word)}\b", text):
                matches.append((name in later, match.start(), -len(word), name))
    return min(matches)[3] if matches else None


def _instruments(names: Iterable[str]) -> tuple[Instrument, ...]:
    wanted: dict[str, Instrument] = {}
    for name in names:
        instrument = BY_NAME.get(" ".join(name.lower().split()))
        if instrument is None:
            raise BriefError(f"There is no instrument {name[:40]!r}; one of: {', '.join(KNOWN)}.")
        wanted[instrument.name] = instrument
    if len(wanted) > MOST_INSTRUMENTS:
        raise BriefError(f"Name at most {MOST_INSTRUMENTS} instruments.")
    return tuple(wanted.values())


def _named(text: str) -> tuple[Instrument, ...]:
    """Find the instruments in a text, the longest names first, so that a jazz guitar is not a guitar."""
    found: dict[int, Instrument] = {}
    for name in sorted(BY_NAME, key=len, reverse=True):
        # These words usually describe the music, and are not meant as instruments.
        if name in ("beat", "beats", "voice", "orchestra", "808"):
            continue
        for match in re.finditer(rf"\b{re.escape(name)}\b", text):
            found[match.start()] = BY_NAME[name]
            text = text[: match.start()] + "_" * len(name) + text[match.end() :]
    ordered = dict.fromkeys(found[position] for position in sorted(found))
    return tuple(ordered)[:MOST_INSTRUMENTS]


def _tempo(given: Any, text: str, style: Style, mood: Mood, rng: random.Random) -> tuple[float, bool]:
    low, high = style.tempo
    chosen = rng.uniform(low, high) * mood.tempo
    if given:
        return float(given), True
    if match := _BPM.search(text):
        tempo = float(next(filter(None, match.groups())))
        return min(max(tempo, TEMPO[0]), TEMPO[1]), True
    for word, (low, high) in _TEMPI.items():
        if re.search(rf"\b{word}\b", text):
            return rng.uniform(low, high), False
    for word, factor in _PACES.items():
        if re.search(rf"\b{word}\b", text):
            chosen *= factor
            break
    return min(max(chosen, TEMPO[0]), TEMPO[1]), False


def _seconds(text: str) -> float | None:
    for match in _LENGTH.finditer(text):
        count, unit = match.groups()
        if unit in ("s", "second", "sec") and count in ("a", "an"):
            continue  # "a second theme" is no length
        number = _NUMBERS.get(count) or (float(count) if re.fullmatch(r"\d+(\.\d+)?", count) else 0)
        seconds = number * (60 if unit.startswith("m") else 1)
        if seconds:
            return min(max(seconds, SECONDS[0]), SECONDS[1])
    return None


def _key(given: str, prompt: str, style: Style, mood: Mood, rng: random.Random) -> Key:
    minor = mood.minor if mood.minor is not None else rng.random() < style.minor_share
    tonic = None
    if given != "auto":
        match = _KEY.fullmatch(given.strip())
        if match is None:
            raise BriefError(f"{given[:40]!r} is no key; write one like C, F#m, Bb or A minor, or auto.")
        tonic, minor = _tonic(match[1], match[2]), _is_minor(match[3])
    elif match := next((one for one in _KEY_IN_TEXT.finditer(prompt) if _is_key(one)), None):
        letter, accidental = match[1] or match[2] or match[5], match[3] or match[6]
        tonic = _tonic(letter, accidental)
        # "In D" is D major, unless the mood says otherwise.
        minor = _is_minor(match[4] or match[7]) if match[4] or match[7] else bool(mood.minor)
    elif match := re.search(r"\b(major|minor)\b", prompt.lower()):
        minor = match[1] == "minor"
    if tonic is None:
        tonic = rng.choice((9, 11, 0, 2, 4, 5, 6, 7) if minor else (0, 2, 3, 4, 5, 7, 9, 10))
    return Key(tonic, "minor" if minor else "major")


def _is_key(match: re.Match[str]) -> bool:
    """Return whether a match is a key, such as "in A minor", and not the article "a"."""
    if match[5]:
        return True
    if match[1] == "a" and not match[3]:
        # "In a minor" is a key, "in a minor key" and "in a major city" are not.
        return bool(match[4]) and _AFTER_KEY.match(match.string, match.end()) is not None
    if match[1]:
        return bool(match[4]) or match[1].isupper()
    return bool(match[4])


def _tonic(letter: str, accidental: str | None) -> int:
    shift = 0
    if accidental:
        shift = 1 if accidental.strip(" -").lower() in ("#", "♯", "sharp") else -1
    return (LETTERS[letter.upper()] + shift) % 12


def _is_minor(word: str | None) -> bool:
    return word is not None and (word == "m" or word.lower().startswith("min"))
