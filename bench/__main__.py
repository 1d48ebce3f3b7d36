"""`make bench`: all benchmarks, or those named in ARGS."""

import sys

from . import admission, band, busy, events, keeping, llama, painter, queue, scale, sketch, speech, waiting

BENCHMARKS = {
    "admission": admission.run,
    "band": band.run,
    "busy": busy.run,
    "events": events.run,
    "keeping": keeping.run,
    "llama": llama.run,
    "painter": painter.run,
    "queue": queue.run,
    "scale": scale.run,
    "sketch": sketch.run,
    "speech": speech.run,
    "waiting": waiting.run,
}


def main() -> None:
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"no benchmark named {name}; choose from: {', '.join(BENCHMARKS)}")
        BENCHMARKS[name]()


main()
