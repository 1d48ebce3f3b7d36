"""All routes: importing a resource adds its own to the router."""

from . import generations, health, media, models, projects, runs, workspaces
from ._api import api, plain

__all__ = ["api", "generations", "health", "media", "models", "plain", "projects", "runs", "workspaces"]
