"""Hostile requests that are made from good ones by one change each."""

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from . import corpus

Path = tuple[str | int, ...]
# Stands where a value is written in JSON afterwards, because some values are not valid JSON.
_MARK = "\u2603"


def fragments() -> Iterator[str]:
    """Every value of the corpus as it is written in JSON, except links."""
    yield from map(json.dumps, corpus.TEXTS)
    yield from corpus.NUMBERS
    yield from corpus.WRONG
    yield from corpus.MALFORMED


def bodies(good: dict[str, Any]) -> Iterator[bytes]:
    """JSON bodies in which one value or name is hostile, missing, unknown or repeated."""
    for path, value in _positions(good):
        prefix = _prefix(value)
        for fragment in fragments():
            yield _replaced(good, path, fragment)
        if prefix:
            for text in corpus.TEXTS:
                yield _replaced(good, path, json.dumps(prefix + text))
        yield _without(good, path)
        name = json.dumps(path[-1])
        yield _replaced(good, path, f"null, {name}: {json.dumps(value)}")
        yield _replaced(good, path, f"{json.dumps(value)}, {name}: null")
    for path, value in [((), good), *_positions(good)]:
        if isinstance(value, dict):
            for text in (*corpus.TEXTS, *corpus.LARGE_TEXTS[:1]):
                yield _with_name(good, path, text)


def large_bodies(good: dict[str, Any]) -> Iterator[bytes]:
    """JSON bodies with a large text in the place of one value each, and one with many long names."""
    for path, _value in _positions(good):
        for text in corpus.LARGE_TEXTS:
            yield _replaced(good, path, json.dumps(text, ensure_ascii=False))
    names = {f"{number:06}" + "\u6f22" * 250: None for number in range(1_000)}
    yield json.dumps({**good, **names}, ensure_ascii=False).encode()


def parameters(good: dict[str, Any], name: str, *, is_list: bool) -> Iterator[bytes]:
    """JSON bodies in which one of the ``params``, or the item of the list in its place, is hostile."""
    changed = {**good, "params": {name: None}}
    for fragment in (*fragments(), *map(json.dumps, corpus.LINKS)):
        yield _replaced(changed, ("params", name), f"[{fragment}]" if is_list else fragment)


def path_parts(good: str) -> Iterator[str]:
    """Hostile forms of one part of a path, percent-encoded."""
    prefixes = dict.fromkeys(("", _prefix(good), good))
    for prefix in prefixes:
        yield from (prefix + _quoted(text) for text in corpus.TEXTS)
        yield from (prefix + form for form in corpus.PERCENT_FORMS)


def query_values(good: str) -> Iterator[str]:
    """Hostile values of one parameter of a query, percent-encoded."""
    for prefix in dict.fromkeys(("", _prefix(good))):
        yield from (prefix + _quoted(text) for text in corpus.TEXTS)
        yield from (prefix + form for form in corpus.PERCENT_FORMS)
    yield from (_quoted(number) for number in corpus.NUMBERS if len(number) < 10_000)


def cursors() -> Iterator[str]:
    """Cursors that no page has: every value of the corpus where one belongs, and damaged ones."""
    for position in ("{}", "[{}]", "[1, {}]", '[{}, "prj_x"]'):
        for fragment in fragments():
            if len(fragment) < 20_000:
                yield _base64(position.replace("{}", fragment).encode())
    for body in corpus.BODIES:
        if len(body) < 20_000:
            yield _base64(body)
    whole = _base64(b'["run_x"]')
    yield from (whole[:length] for length in range(len(whole)))
    yield from (whole + end for end in ("=", "==", "====", "\n", " ", "A", "\u00e9"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _prefix(good: object) -> str:
    """The beginning of an identifier, which ends with an underscore; empty for other values."""
    if not isinstance(good, str):
        return ""
    name, underscore, _rest = good.partition("_")
    return name + underscore if underscore else ""


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _positions(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, item in items:
        yield (*path, key), item
        yield from _positions(item, (*path, key))


def _parent(value: Any, path: Path) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


def _replaced(good: dict[str, Any], path: Path, fragment: str) -> bytes:
    changed = copy.deepcopy(good)
    _parent(changed, path)[path[-1]] = _MARK
    return json.dumps(changed).replace(json.dumps(_MARK), fragment).encode()


def _without(good: dict[str, Any], path: Path) -> bytes:
    changed = copy.deepcopy(good)
    del _parent(changed, path)[path[-1]]
    return json.dumps(changed).encode()


def _with_name(good: dict[str, Any], path: Path, name: str) -> bytes:
    changed = copy.deepcopy(good)
    _parent(changed, (*path, ""))[name] = 1
    return json.dumps(changed).encode()
