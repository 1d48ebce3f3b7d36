"""``python -m terrarium.cli``."""

from . import main

main()
