"""Commands of other distributions, found by entry point and imported only when they are used."""

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

    An entry point's name is the command's; what it loads is a ``typer.Typer``. Our own names win.
    """

    entry_point_group = GROUP

    @cached_property
    def _brought(self) -> dict[str, EntryPoint]:
        found = sorted(entry_points(group=self.entry_point_group), key=lambda entry: entry.name)
        return {entry.name: entry for entry in found if entry.name not in self.commands}

    def list_commands(self, ctx: Any) -> list[str]:
        """Our commands, then those brought by others."""
        return [*super().list_commands(ctx), *self._brought]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; of those brought by others only a line for the overview."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self._brought:
            return own
        return TyperCommand(cmd_name, help=f"Provided by {_distribution(self._brought[cmd_name])}.")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run; here, and only here, one brought by others is imported."""
        name = args[0]
        if name in self.commands or name not in self._brought:
            return super().resolve_command(ctx, args)
        return name, _load(self._brought[name]), args[1:]


class LazyModelsGroup(LazyGroup):
    """What others add to ``terrarium models``."""

    entry_point_group = f"{GROUP}.models"


def _load(entry: EntryPoint) -> Any:
    try:
        app = entry.load()
    except ImportError as missing:
        fail(
            f"`terrarium {entry.name}` cannot be loaded: {missing}",
            remedy=f"Reinstall {_distribution(entry)}, or the extra that brings what is missing.",
        )
        raise typer.Exit(Exit.UNFORESEEN) from missing
    return command_of(app)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module.partition(".")[0]
