"""Decompresses response bodies that are compressed although the request asked for none, within limits."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator

from ._links import FetchError

# The largest decompressed chunk.
_MOST_BYTES = 1 << 20
# zlib's formats: with a header, of gzip or its own, and without.
_WITH_HEADER, _WITHOUT_HEADER = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS


class Inflater:
    """Decompresses a body chunk by chunk, at most a mebibyte at once.

    For ``gzip`` and ``deflate``; hosts send the latter with or without its header.
    """

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_WITH_HEADER)
        # The header's two bytes, until both have arrived.
        self._header: bytes | None = b""

    def inflate(self, chunk: bytes) -> Iterator[bytes]:
        """Decompress another chunk. Raises FetchError if it cannot be decoded."""
        if self._header is not None:
            chunk = self._header + chunk
            if len(chunk) < 2:
                self._header = chunk
                return
            self._header = None
            try:
                zlib.decompressobj(_WITH_HEADER).decompress(chunk[:2])
            except zlib.error:
                self._stream = zlib.decompressobj(_WITHOUT_HEADER)
        while not self._stream.eof:
            try:
                data = self._stream.decompress(chunk, _MOST_BYTES)
            except zlib.error as error:
                raise FetchError("the file came compressed, and cannot be decoded") from error
            if data:
                yield data
            chunk = self._stream.unconsumed_tail
            # After a full-sized result the decoder may hold more, even if it has consumed all input.
            if not chunk and len(data) < _MOST_BYTES:
                return

    def finish(self) -> None:
        """End the body. Raises FetchError if it is incomplete."""
        if not self._stream.eof:
            raise FetchError("the file came compressed, and breaks off")


def inflater_for(encodings: Iterable[str]) -> Inflater | None:
    """Return a decoder for a body with these ``Content-Encoding`` headers, None if it is not compressed.

    Raises FetchError for an encoding that cannot be decoded.
    """
    parts = (part.strip().lower() for encoding in encodings for part in encoding.split(","))
    names = [part for part in parts if part not in ("", "identity")]
    if not names:
        return None
    if names[0] in ("gzip", "x-gzip", "deflate") and len(names) == 1:
        return Inflater()
    raise FetchError(
        f"the link's host compresses the file ({', '.join(names)[:60]}) although the request forbids it; "
        "only gzip and deflate can be decoded"
    )


async def inflated(body: AsyncIterable[bytes], encodings: Iterable[str]) -> AsyncGenerator[bytes]:
    """Yield a body that came with these ``Content-Encoding`` headers, decompressed.

    Raises FetchError if it cannot be decoded.
    """
    inflater = inflater_for(encodings)
    async for chunk in body:
        if inflater is None:
            yield chunk
            continue
        for data in inflater.inflate(chunk):
            yield data
    if inflater is not None:
        inflater.finish()
