"""Fixtures for the tests of all folders; pytest takes plug-ins only from the topmost conftest."""

import os

# Some tests use this library directly, and it would send telemetry.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

pytest_plugins = ["support.databases", "support.server", "support.application", "support.distributions"]
