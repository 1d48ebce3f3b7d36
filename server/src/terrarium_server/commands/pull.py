"""`terrarium models pull`: fetch the weights that model cards name."""

import sys
from typing import Annotated

import typer

from terrarium_server.settings import Settings

app = typer.Typer(help="Fetch the weights of models onto this machine.", add_completion=False)


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Model ids; none: every model that needs a download here.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Show size and licence, fetch, check the SHA-256. What is there already is not fetched again."""
    # Like the server, from its settings; the heavy imports wait until something is asked for.
    from terrarium_server.catalog import (
        CardError,
        ModelCard,
        PullError,
        find_weights,
        load_cards,
        weights_folder,
    )
    from terrarium_server.catalog import pull as fetch
    from terrarium_server.commands.serve import StartError, load_settings
    from terrarium_server.configuration import ConfigurationError

    try:
        settings = load_settings()
        cards = {card.id: card for card in load_cards(_owner_cards(settings), settings.cards_dir)}
    except (StartError, CardError, ConfigurationError) as error:
        sys.exit(f"terrarium: {error}")
    with_weights = [card for card in cards.values() if card.weights is not None]
    unknown = [name for name in names or [] if name not in cards or cards[name].weights is None]
    if unknown:
        known = ", ".join(sorted(card.id for card in with_weights))
        sys.exit(f"terrarium: {unknown[0]} has no weights to fetch; models that have: {known}")
    folder = settings.weights_dir or weights_folder()
    wanted: dict[str, ModelCard] = {}
    for card in with_weights:
        chosen = card.id in names if names else card.weights is not None and card.weights.pocket
        if chosen and card.weights is not None and find_weights(card, folder) is None:
            # Several cards may share what is fetched.
            wanted.setdefault(card.weights.sha256, card)
    if not wanted:
        typer.echo("Everything is here already.")
        return
    for card in wanted.values():
        assert card.weights is not None
        typer.echo(
            f"{card.id}: {card.weights.bytes / 1e6:.0f} MB, {card.weights.licence}, {card.weights.source}"
        )
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Fetch them into {folder}?", default=True, abort=True)
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns) as bars:
        for card in wanted.values():
            assert card.weights is not None
            bar = bars.add_task(card.id, total=card.weights.bytes)
            try:
                fetch(card, folder, lambda arrived, bar=bar: bars.update(bar, completed=arrived))
            except PullError as error:
                bars.stop()
                sys.exit(f"terrarium: {card.id}: {error}")


def _owner_cards(settings: Settings):
    from pathlib import Path

    from terrarium_server.configuration import Configuration

    path = settings.config or Path("terrarium.toml")
    return Configuration.read(path).cards if settings.config or path.exists() else None
