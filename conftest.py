"""Fixtures for the tests of all folders; pytest takes plug-ins only from the topmost conftest."""

pytest_plugins = ["support.databases", "support.server", "support.house"]
