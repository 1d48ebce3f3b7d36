"""Reading texts: files and standard input are in UTF-8, whatever the locale."""

from __future__ import annotations

import typer

from ._report import BadInput


def read_stdin() -> str:
    """The text on standard input. Raises ``BadInput``."""
    return decoded(typer.get_binary_stream("stdin").read(), "Standard input")


def decoded(content: bytes, source: str) -> str:
    """A text in UTF-8. Raises ``BadInput``, which names its source."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{source} must be a text in UTF-8.") from error
