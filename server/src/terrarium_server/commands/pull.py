"""`terrarium models pull`: fetch the weights that model cards name."""

import sys
from typing import Annotated

import typer

app = typer.Typer(help="Fetch the weights of models onto this machine.", add_completion=False)


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Model ids; none: every model that needs a download here.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Show size and licence, fetch, check the SHA-256. Weights that are already here are skipped."""
    # Imported only when the command runs, so that `terrarium --help` stays fast.
    from terrarium_server import INSTALL_POCKET
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
    from terrarium_server.configuration import Configuration, ConfigurationError

    try:
        settings = load_settings()
        owned = Configuration.find(settings.config).cards, settings.cards_dir
        cards = {card.id: card for card in load_cards(*owned)}
    except (StartError, CardError, ConfigurationError) as error:
        sys.exit(f"terrarium: {error}")
    with_weights = [card for card in cards.values() if card.weights is not None]
    ids = ", ".join(sorted(card.id for card in with_weights))
    pocket = f"The small models come with: {INSTALL_POCKET}"
    unknown = [name for name in names or [] if name not in cards or cards[name].weights is None]
    if unknown:
        others = f"models that have: {ids}" if ids else f"no installed model has any. {pocket}"
        sys.exit(f"terrarium: {unknown[0]} has no weights to fetch; {others}")
    if not names and not any(card.weights.pocket for card in with_weights if card.weights is not None):
        none = f"Name the model to fetch, one of: {ids}." if ids else "No installed model needs a download."
        typer.echo(f"{none} {pocket}")
        return
    folder = settings.weights_dir or weights_folder()
    wanted: dict[str, ModelCard] = {}
    for card in with_weights:
        chosen = card.id in names if names else card.weights is not None and card.weights.pocket
        if chosen and card.weights is not None and find_weights(card, folder) is None:
            # Several cards may share the same weights.
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
