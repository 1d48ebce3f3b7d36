"""All routes: importing a resource's module adds its routes to the router."""

from . import batches, events, generations, health, media, models, projects, runs, workspaces
from ._api import api, unversioned

__all__ = [
    "api",
    "batches",
    "events",
    "generations",
    "health",
    "media",
    "models",
    "projects",
    "runs",
    "unversioned",
    "workspaces",
]
