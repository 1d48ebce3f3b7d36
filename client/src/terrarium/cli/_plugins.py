"""Commands of other distributions. They are found by entry point and imported only when they are used."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as command_of

from ._report import Exit, fail

GROUP = "terrarium.commands"


class LazyGroup(TyperGroup):
    """A group that lists the commands of an entry-point group without importing them.

    The name of an entry point is the name of the command, and it loads a ``typer.Typer``. Our own commands
    take precedence.
    """

    entry_point_group = GROUP

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        entries = sorted(entry_points(group=self.entry_point_group), key=lambda entry: entry.name)
        return {entry.name: entry for entry in entries if entry.name not in self.commands}

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of other distributions."""
        return [*super().list_commands(ctx), *self._plugins]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Our own command, or a placeholder with a help line for one of another distribution."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self._plugins:
            return own
        return TyperCommand(cmd_name, help=f"Provided by {_distribution(self._plugins[cmd_name])}.")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run. Only here is a command of another distribution imported."""
        name = args[0]
        if name in self.commands or name not in self._plugins:
            return super().resolve_command(ctx, args)
        return name, _load(self._plugins[name]), args[1:]


class LazyModelsGroup(LazyGroup):
    """Commands that other distributions add to ``terrarium models``."""

    entry_point_group = f"{GROUP}.models"


def _load(entry: EntryPoint) -> Any:
    try:
        app = entry.load()
    except ImportError as error:
        fail(
            f"`terrarium {entry.name}` cannot be loaded: {error}",
            remedy=f"Reinstall {_distribution(entry)}, or install the extra with the missing package.",
        )
        raise typer.Exit(Exit.UNEXPECTED) from error
    return command_of(app)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module.partition(".")[0]
