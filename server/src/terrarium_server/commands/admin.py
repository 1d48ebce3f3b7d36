"""`terrarium admin`: workspaces, keys, credits, limits and members, while a server runs or not."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy.exc import DatabaseError

from terrarium_server import accounts, ledger, migrations, money
from terrarium_server.migrations import UpgradeError
from terrarium_server.problems import Problem
from terrarium_server.store import Database, Transaction, sqlite_file

from .serve import StartError, load_settings

T = TypeVar("T")

app = typer.Typer(help="Workspaces, keys, credits, limits and members.", no_args_is_help=True)
workspaces = typer.Typer(help="Workspaces.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
credits = typer.Typer(help="Credits, in USD.", no_args_is_help=True)
members = typer.Typer(help="People in a workspace.", no_args_is_help=True)
limits = typer.Typer(help="Rate limits and priorities.", no_args_is_help=True)
for _name, _group in (
    ("workspaces", workspaces),
    ("keys", keys),
    ("credits", credits),
    ("members", members),
    ("limits", limits),
):
    app.add_typer(_group, name=_name)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
WorkspaceOption = Annotated[str, typer.Option("--workspace", help="Workspace id (ws_…).")]
Usd = Annotated[float, typer.Option(min=0, max=1e9)]


def _do(work: Callable[[Transaction], T]) -> T:
    """Run one transaction on the configured database; an error ends the command with its message."""
    try:
        url = load_settings().database
        if url.startswith("sqlite") and not sqlite_file(url).exists():
            # Opening it would create one.
            raise StartError(f"there is no database yet at {sqlite_file(url)}; start `terrarium serve` once")
        database = Database(url)
        migrations.check(database)
        with database.transaction() as tx:
            return work(tx)
    except (Problem, StartError, UpgradeError) as error:
        sys.exit(f"terrarium: {error}")
    except DatabaseError as error:
        cause = str(error.orig).partition("\n")[0]
        sys.exit(f"terrarium: cannot use the database: {cause}; check TERRARIUM_DATABASE_URL")


def _show(fields: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(fields))
        return
    for name, value in fields.items():
        typer.echo(f"{name + ':':22} {value}")


def _show_all(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo("  ".join(str(value) for value in row.values()))


def _workspace_fields(tx: Transaction, record: accounts.WorkspaceRecord) -> dict[str, Any]:
    return {
        "workspace_id": record.workspace_id,
        "name": record.name,
        "credits": money.to_usd(ledger.read_balance(tx, record.workspace_id)),
        "rate_limit": record.rate_limit,
        "created_at": record.created_at,
    }


@workspaces.command("create")
def create_workspace(
    name: str,
    credits: Annotated[float, typer.Option(min=0, max=1e9, help="Credits to start with, in USD.")] = 0.0,
    rate_limit: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Runs it may start per minute.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a workspace with a first project."""

    def work(tx: Transaction) -> dict[str, Any]:
        record = accounts.create_workspace(tx, name, rate_limit=rate_limit)
        ledger.open_account(tx, record.workspace_id)
        if credits:
            ledger.grant(tx, record.workspace_id, money.to_micros(credits), note="admin")
        project = accounts.create_project(tx, record.workspace_id, "My project", origin=None)
        return {**_workspace_fields(tx, record), "project_id": project.project_id}

    _show(_do(work), as_json=json)


@workspaces.command("list")
def list_workspaces(json: Json = False) -> None:
    """List all workspaces with their balance."""

    def work(tx: Transaction) -> list[dict[str, Any]]:
        return [_workspace_fields(tx, record) for record in accounts.list_workspaces(tx)]

    _show_all(_do(work), as_json=json)


@keys.command("create")
def create_key(
    workspace: WorkspaceOption,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    role: Annotated[str, typer.Option(help="owner, editor or viewer.")] = "editor",
    expires: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC; never if left out."),
    ] = None,
    spending_cap: Annotated[
        float | None, typer.Option(min=0, max=1e9, help="USD this key may spend in all.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key. It and the workspace's webhook secret are shown only now."""
    expires_at = round(expires.replace(tzinfo=UTC).timestamp() * 1000) if expires else None
    cap = None if spending_cap is None else money.to_micros(spending_cap)

    def work(tx: Transaction) -> dict[str, Any]:
        made = accounts.create_key(
            tx, workspace, name=name, role=_role(role), expires_at=expires_at, spending_cap_micros=cap
        )
        return {**asdict(made), "workspace_id": workspace}

    _show(_do(work), as_json=json)


@keys.command("list")
def list_keys(workspace: WorkspaceOption, json: Json = False) -> None:
    """List a workspace's keys; the last four characters are all that is shown of each."""
    _show_all(_do(lambda tx: [asdict(key) for key in accounts.list_keys(tx, workspace)]), as_json=json)


@keys.command("revoke")
def revoke_key(key_id: str, json: Json = False) -> None:
    """End a key at once."""
    _do(lambda tx: accounts.revoke_key(tx, key_id))
    _show({"key_id": key_id, "revoked": True}, as_json=json)


@credits.command("grant")
def grant_credits(
    workspace: WorkspaceOption,
    usd: Annotated[float, typer.Argument(help="USD to add; negative takes back.", min=-1e9, max=1e9)],
    note: Annotated[str | None, typer.Option(help="Kept with the entry.")] = None,
    json: Json = False,
) -> None:
    """Add credits to a workspace."""

    def work(tx: Transaction) -> dict[str, Any]:
        accounts.find_workspace(tx, workspace)
        ledger.grant(tx, workspace, money.to_micros(usd), note=note)
        return {"workspace_id": workspace, "credits": money.to_usd(ledger.read_balance(tx, workspace))}

    _show(_do(work), as_json=json)


@credits.command("check")
def check_credits(json: Json = False) -> None:
    """Prove that every balance is the sum of its entries; exit 1 if one is not."""
    wrong = [asdict(imbalance) for imbalance in _do(ledger.check)]
    _show({"balanced": not wrong, "imbalances": wrong}, as_json=json)
    if wrong:
        sys.exit(1)


@members.command("add")
def add_member(
    email: str,
    workspace: WorkspaceOption,
    role: Annotated[str, typer.Option(help="owner, editor or viewer.")] = "editor",
    json: Json = False,
) -> None:
    """Add a person to a workspace."""
    _show(_do(lambda tx: asdict(accounts.add_member(tx, workspace, email, _role(role)))), as_json=json)


@members.command("list")
def list_members(workspace: WorkspaceOption, json: Json = False) -> None:
    """List a workspace's people."""
    _show_all(
        _do(lambda tx: [asdict(member) for member in accounts.list_members(tx, workspace)]), as_json=json
    )


@limits.command("set")
def set_limit(
    workspace: WorkspaceOption,
    per_minute: Annotated[
        int | None, typer.Argument(min=1, max=1_000_000, help="Left out: the server's default.")
    ] = None,
    json: Json = False,
) -> None:
    """Set how many runs a workspace may start per minute; all of them are available at once."""

    def work(tx: Transaction) -> None:
        accounts.set_rate_limit(tx, workspace, per_minute)
        ledger.refill_starts(tx, workspace)

    _do(work)
    _show({"workspace_id": workspace, "rate_limit": per_minute}, as_json=json)


# So that a negative number is not taken for an option.
@limits.command("priority", context_settings={"ignore_unknown_options": True})
def set_max_priority(
    workspace: WorkspaceOption,
    highest: Annotated[int | None, typer.Argument(min=-10, max=10, help="Left out: no limit.")] = None,
    json: Json = False,
) -> None:
    """Set the highest priority that a workspace's runs can have; a start that asks for more gets this one."""
    _do(lambda tx: accounts.set_max_priority(tx, workspace, highest))
    _show({"workspace_id": workspace, "max_priority": highest}, as_json=json)


@limits.command("show")
def show_limits(workspace: WorkspaceOption, json: Json = False) -> None:
    """Show a workspace's limits; null stands for the server's default rate, and for any priority."""
    record = _do(lambda tx: accounts.find_workspace(tx, workspace))
    names = ("workspace_id", "rate_limit", "max_priority")
    _show({name: getattr(record, name) for name in names}, as_json=json)


def _role(name: str) -> accounts.Role:
    for role in accounts.ROLES:
        if role == name:
            return role
    sys.exit(f"terrarium: --role must be one of {', '.join(accounts.ROLES)}, not {name!r}")
