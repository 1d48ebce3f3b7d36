"""Bodies that come compressed although nobody asked for it, within limits."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator

from ._links import FetchError

# How much of what a piece stands for is there at once.
_MOST = 1 << 20
# zlib's ways: with a header, of gzip or its own, and without.
_WITH_HEADER, _WITHOUT_HEADER = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class Inflater:
    """Takes a body's pieces and gives what they stand for, at most a mebibyte at once.

    For ``gzip`` and ``deflate``, the latter with its header or without: hosts differ on it.
    """

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_WITH_HEADER)
        # The header's two bytes, until both are there.
        self._begun: bytes | None = b""

    def inflate(self, piece: bytes) -> Iterator[bytes]:
        """Give what another piece brings. Raises FetchError if it cannot be decoded."""
        if self._begun is not None:
            piece = self._begun + piece
            if len(piece) < 2:
                self._begun = piece
                return
            self._begun = None
            try:
                zlib.decompressobj(_WITH_HEADER).decompress(piece[:2])
            except zlib.error:
                self._stream = zlib.decompressobj(_WITHOUT_HEADER)
        while not self._stream.eof:
            try:
                made = self._stream.decompress(piece, _MOST)
            except zlib.error as error:
                raise FetchError("the file came compressed, and cannot be decoded") from error
            if made:
                yield made
            piece = self._stream.unconsumed_tail
            # A full measure may have left something inside the decoder, also when it took all of a piece.
            if not piece and len(made) < _MOST:
                return

    def finish(self) -> None:
        """Say that there are no more pieces. Raises FetchError if some are missing."""
        if not self._stream.eof:
            raise FetchError("the file came compressed, and breaks off")


def inflater_for(encodings: Iterable[str]) -> Inflater | None:
    """Return what decodes a body with these ``Content-Encoding`` headers, None if it is as it should be.

    Raises FetchError for what nothing here decodes.
    """
    words = (word.strip().lower() for encoding in encodings for word in encoding.split(","))
    names = [word for word in words if word not in ("", "identity")]
    if not names:
        return None
    if names[0] in ("gzip", "x-gzip", "deflate") and len(names) == 1:
        return Inflater()
    raise FetchError(
        f"the link's host compresses the file ({', '.join(names)[:60]}) though it is asked not to; "
        "gzip and deflate can be read"
    )


async def inflated(body: AsyncIterable[bytes], encodings: Iterable[str]) -> AsyncGenerator[bytes]:
    """Give a body that came with these ``Content-Encoding`` headers as it should be.

    Raises FetchError if that cannot be had.
    """
    inflater = inflater_for(encodings)
    async for chunk in body:
        if inflater is None:
            yield chunk
            continue
        for piece in inflater.inflate(chunk):
            yield piece
    if inflater is not None:
        inflater.finish()
