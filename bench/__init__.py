"""Benchmarks: each compares with a baseline measured in the same run. `make bench`."""

import os
import sys
from pathlib import Path

# The benchmarks use the tests' support code: a real PostgreSQL, jobs for the shipped models.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

# The library that serves as a baseline for models would send telemetry.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
