"""The pipes between a model process and the server."""

import os
from functools import cache
from typing import BinaryIO


@cache
def server_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipe that brings requests and the one that takes results.

    The first call takes standard input and output for them. From then on nothing can be read from standard
    input, and whatever is printed goes to standard error, so that no library can disturb the messages.
    """
    requests, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, results
