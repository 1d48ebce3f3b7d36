"""Names for new files."""

from __future__ import annotations

import os
import re
import unicodedata


def encodable(name: str) -> str:
    """The name, without its suffix, as the file system can store it.

    Where it cannot, which may be so in the C locale, accents and all other characters beyond ASCII are left
    out. A name of which nothing remains becomes ``output``.
    """
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
        return re.sub(r"-{2,}", "-", letters).strip("-.") or "output"
    return name
