"""Splits a text into sentences, and a sentence into clauses with their punctuation."""

import re
import unicodedata
from dataclasses import dataclass

_LONGEST = 300
_LONGEST_ABBREVIATION = 16
_CLOSING = "\"'”’»)\\]"
_END = re.compile(rf"[.!?…؟۔।॥]+[{_CLOSING}]*(?=\s|$)|[。！？]+[」』”’）]*")
_PARAGRAPH = re.compile(r"\n\s*\n")
_CLAUSE = re.compile(rf"[,;:!?…؟،؛]+[{_CLOSING}]*(?=\s|$)|[。，、！？；：]+[」』”’）]*|(?<=\s)[–—-]+(?=\s)|—")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:\w|(?:\w\.)+\w|mr|mrs|ms|dr|prof|st|vs|bzw|ca|nr|sr|sra|mme|mlle)\.$", re.I
)
_SYMBOLS = ("So", "Sc", "Sm")
_MARKS = {
    ",": ",，、،–—-",
    ";": ";；؛",
    ":": ":：",
    "!": "!！",
    "?": "?？؟",
    ".": ".…。۔।॥",
}
_MARK_OF = {written: mark for mark, all_written in _MARKS.items() for written in all_written}


@dataclass(frozen=True, slots=True)
class Clause:
    """The text of a clause with its mark, and that mark as one of ``. , ; : ! ?``."""

    text: str
    mark: str


def sentences(text: str) -> list[str]:
    """Split a text into sentences; one that is too long is split between clauses or words.

    Sentences without a letter, digit or symbol are left out, because eSpeak NG would read marks by name.
    """
    parts: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        plain = " ".join(paragraph.split())
        start = 0
        for end in _END.finditer(plain):
            if not _continues(plain, end):
                parts += _split(plain[start : end.end()].strip())
                start = end.end()
        parts += _split(plain[start:].strip())
    return [sentence for sentence in parts if _speakable(sentence)]


def clauses(sentence: str) -> list[Clause]:
    """Split a sentence at its inner marks; the last clause has its final mark, or a full stop."""
    parts: list[Clause] = []
    start = 0
    for mark in _CLAUSE.finditer(sentence):
        if mark.end() < len(sentence):
            text = sentence[start : mark.end()].strip()
            if _speakable(text):
                parts.append(Clause(text, _MARK_OF[mark[0][0]]))
            start = mark.end()
    rest = sentence[start:].strip()
    ending = re.search(rf"([.!?…؟۔।॥。！？,;:，；：])[{_CLOSING}」』）]*$", rest)
    if _speakable(rest):
        parts.append(Clause(rest, _MARK_OF[ending[1]] if ending else "."))
    return parts


def _speakable(text: str) -> bool:
    """Return whether a text has a letter, a number, or a symbol such as an emoji or a currency sign."""
    return any(
        unicodedata.category(sign)[0] in "LN" or unicodedata.category(sign) in _SYMBOLS for sign in text
    )


def _continues(text: str, end: re.Match[str]) -> bool:
    """Return whether a match that looks like the end of a sentence is inside one."""
    after = text[end.end() : end.end() + 2].lstrip()
    if not after:
        return False
    # Not the whole text, because a long text has thousands of ends.
    before = text[max(0, end.end() - _LONGEST_ABBREVIATION) : end.end()]
    return after[0].islower() or (end[0] == "." and _ABBREVIATED.search(before) is not None)


def _split(sentence: str) -> list[str]:
    parts: list[str] = []
    while len(sentence) > _LONGEST:
        marks = [mark.end() for mark in _CLAUSE.finditer(sentence, 1, _LONGEST) if mark.end() > _LONGEST // 3]
        space = sentence.rfind(" ", 1, _LONGEST)
        cut = marks[-1] if marks else space if space > 0 else _LONGEST
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence] if sentence else parts
