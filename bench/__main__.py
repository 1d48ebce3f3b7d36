"""`make bench`: all benchmarks, or those named in ARGS."""

import sys

from . import admission

BENCHES = {"admission": admission.run}


def main() -> None:
    for name in sys.argv[1:] or BENCHES:
        if name not in BENCHES:
            sys.exit(f"no benchmark named {name}; there are: {', '.join(BENCHES)}")
        BENCHES[name]()


main()
