"""Regenerate docs/licences.md, or check that every licence is known, allowed and in that page.

``--check`` writes nothing and fails with what to do. ``--refresh`` first asks the package indexes for release
dates, with uv, as `make lock` does, and npm; both use the index that they are set up for.
"""

import argparse
import sys
from pathlib import Path

import licences_page
import licences_refresh
from licences_rules import ROOT, read

PAGE = Path("docs/licences.md")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail on what is wrong or stale")
    parser.add_argument(
        "--refresh", action="store_true", help="ask the package indexes for release dates first"
    )
    arguments = parser.parse_args()

    if arguments.refresh:
        licences_refresh.refresh(read())
    inventory = read()
    if problems := list(inventory.problems()):
        sys.exit("\n".join(problems))
    page, target = licences_page.page(inventory), ROOT / PAGE
    if not arguments.check:
        target.write_text(page, encoding="utf-8")
    elif not target.exists() or target.read_text(encoding="utf-8") != page:
        sys.exit(f"{PAGE} is stale. Run `.venv/bin/python scripts/licences.py` and commit what it changes.")


if __name__ == "__main__":
    main()
