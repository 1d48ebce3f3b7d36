"""The process in which sketches are made."""

from collections.abc import Callable
from typing import Any

from terrarium_server.engines._child import Talk, serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._sketch import paint, write_shot


def _pictures(request: dict[str, Any], talk: Talk) -> list[Output]:
    count: int = request["count"]
    made: list[Output] = []
    for index in range(count):
        painting = paint(
            request["prompt"],
            width=request["width"],
            height=request["height"],
            seed=request["seed"] + index,
            style=request["style"],
            progress=_reporter(talk, index, count),
        )
        made.append(Output("image/png", painting.png, painting.width, painting.height))
    return made


def _reporter(talk: Talk, index: int, count: int) -> Callable[[float], None]:
    return lambda fraction: talk.report((index + fraction) / count)


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    if request["type"] == "text":
        return [Output("text/plain", write_shot(request["prompt"], seed=request["seed"]))]
    return _pictures(request, talk)


if __name__ == "__main__":
    serve(_handle)
