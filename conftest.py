"""Fixtures for the tests of all folders; pytest takes plug-ins only from the topmost conftest."""

import os

# Tests that use the library themselves: it would report to its makers.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

pytest_plugins = ["support.databases", "support.server", "support.house"]
