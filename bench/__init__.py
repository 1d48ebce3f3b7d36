"""Benchmarks: each compares with a baseline measured in the same run. `make bench`."""

import os
import sys
from pathlib import Path

# They use the tests' fixtures: a real PostgreSQL, jobs for the models that ship.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

# The bare library, beside which models are measured, would report to its makers.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
