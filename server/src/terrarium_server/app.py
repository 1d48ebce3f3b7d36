"""The composition root: the only file that knows everyone."""

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from terrarium_server import __version__, accounts, ids, ledger, migrations
from terrarium_server.admission import Admission, RateLimits
from terrarium_server.assets import Sweep
from terrarium_server.catalog import Availability, Catalog, ModelCard, load_cards, weights_folder
from terrarium_server.configuration import Configuration
from terrarium_server.engines import Engines, TemporaryFolder, discover, remove_abandoned
from terrarium_server.http import (
    AnswerHeaders,
    BodyLimit,
    Door,
    api,
    install_refusals,
    plain,
)
from terrarium_server.media import FetchRules
from terrarium_server.runs import Signals
from terrarium_server.settings import Settings
from terrarium_server.store import Blobs, Database, Transaction

if TYPE_CHECKING:
    from terrarium_server.execution import Workers

_log = logging.getLogger(__name__)


class House:
    """Everything one process holds: made from the settings, started once, closed once."""

    def __init__(self, settings: Settings, *, engines: Engines | None = None) -> None:
        """Open the database (its schema is brought up to date) and read the catalogue.

        Raises CardError for a wrong model card, ConfigurationError for a wrong ``terrarium.toml``, and
        RuntimeError for a database that cannot be brought up to date.
        """
        self.settings = settings
        self.configuration = _read_configuration(settings)
        cards = load_cards(self.configuration.cards, settings.cards_dir)
        _check_models(self.configuration, cards)
        self.worker_id = ids.mint("wrk")
        self.temporary = TemporaryFolder(settings.data_dir / "tmp" / self.worker_id)
        self.engines = engines or discover(
            self.configuration, processes=settings.sketch_processes, scratch=self.temporary.path
        )
        self.weights = settings.weights_dir or weights_folder()
        self.catalog = Catalog(
            cards,
            price_scale=settings.price_scale,
            defaults=self.configuration.defaults,
            problem_of=Availability(self.engines, self.weights).problem_of,
        )
        lease = settings.worker_timeout
        self.database = Database(settings.database, lock_timeout=lease / 4, idle_timeout=lease)
        engines_of = {card.id: card.engine for card in cards}
        repeatable = [engine.name for engine in self.engines if engine.repeatable]
        facts = migrations.Facts(engines_of, self.configuration.fallback, repeatable)
        migrations.upgrade(self.database, facts)
        self.blobs = Blobs(settings.data_dir / "media")
        self.signals = Signals()
        self.rates = RateLimits(settings.rate_limit)
        self.fetch_rules = FetchRules(
            max_bytes=settings.max_media_bytes, allow_private=settings.allow_private_fetch
        )
        self.admission = Admission(self.catalog, self.rates, self.fetch_rules, self.wake)
        self.workers: Workers | None = None
        self.is_accepting = False

    def wake(self) -> None:
        """Wake this process's worker, if it has one."""
        if self.workers is not None:
            self.workers.wake()

    def run_ended(self, run_id: str) -> None:
        """Tell who waits for a run, and who makes it in this process, that a caller has ended it."""
        self.signals.changed(run_id)
        if self.workers is not None:
            self.workers.stop_run(run_id)

    def start_workers(self) -> None:
        """Start executing runs in this process; what was admitted before is executed too."""
        from terrarium_server.execution import Context, Workers

        remove_abandoned(self.temporary.path.parent)
        self.temporary.claim()
        context = Context(
            worker_id=self.worker_id,
            database=self.database,
            blobs=self.blobs,
            catalog=self.catalog,
            engines=self.engines,
            signals=self.signals,
            weights=self.weights,
            temporary=self.temporary.path,
            alone=self.database.is_sqlite,
            is_current=lambda tx: migrations.version_in(tx) == migrations.HEAD,
            fallback=self.configuration.fallback,
            fetch_rules=self.fetch_rules,
        )
        sweep = Sweep(self.database, self.blobs, _workspaces)
        workers = Workers(
            context,
            capacity=self.settings.worker_runs,
            lease_seconds=self.settings.worker_timeout,
            drain_seconds=self.settings.drain_seconds,
            chores=[self._forget_expired, sweep.run_if_due],
        )
        workers.start()
        self.workers = workers

    async def _forget_expired(self) -> None:
        await self.database.write_for_worker(self.admission.forget_expired)

    def stopping(self, *, hurry: bool = False) -> None:
        """Note a stop signal: nobody waits for a run any longer, and with ``hurry`` not for work either."""
        self.is_accepting = False
        self.signals.close()
        if hurry and self.workers is not None:
            self.workers.hurry()

    def close(self) -> None:
        """Stop, in the order that loses nothing."""
        self.stopping()
        if self.workers is not None:
            self.workers.stop()
        self.temporary.release()
        self.database.close()


def _read_configuration(settings: Settings) -> Configuration:
    if settings.config is not None:
        return Configuration.read(settings.config)
    usual = Path("terrarium.toml")
    return Configuration.read(usual) if usual.exists() else Configuration()


def _workspaces(tx: Transaction) -> set[str]:
    return {workspace.workspace_id for workspace in accounts.list_workspaces(tx)}


def _check_models(configuration: Configuration, cards: list[ModelCard]) -> None:
    """Raises ConfigurationError for a default or a fallback that cannot be one."""
    known = {card.id: card for card in cards}
    for type, model in configuration.defaults.items():
        if model not in known or known[model].type != type:
            names = ", ".join(sorted(card.id for card in cards if card.type == type))
            message = f"{model} is not a model of this type; one of: {names}"
            raise configuration.error("defaults", type, message)
    for model, other in configuration.fallback.items():
        if model not in known or other not in known or known[model].type != known[other].type:
            message = f"{model} and {other} must be models that are known here, of the same type"
            raise configuration.error("fallback", model, message)


def first_start(house: House) -> accounts.NewKey | None:
    """On an empty database, make a workspace with credits, a project and a key; else None."""
    settings = house.settings
    with house.database.transaction() as tx:
        # Of several servers that start at once, one finds the database empty.
        tx.lock("first start")
        if accounts.count_workspaces(tx):
            return None
        workspace = accounts.create_workspace(tx, "My workspace")
        ledger.open_account(tx, workspace.workspace_id)
        ledger.grant(
            tx, workspace.workspace_id, round(settings.bootstrap_credits * 1_000_000), note="first start"
        )
        accounts.create_project(tx, workspace.workspace_id, "My project", origin=None)
        return accounts.create_key(
            tx, workspace.workspace_id, name="first key", role="owner", secret=settings.bootstrap_key
        )


def create_app(house: House, *, workers: bool = True) -> FastAPI:
    """Build the HTTP app around a house; with ``workers`` it also carries out runs."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        house.is_accepting = True
        starting = asyncio.create_task(_start_workers(house)) if workers else None
        yield
        if starting is not None:
            await starting
        await asyncio.to_thread(house.close)

    app = FastAPI(
        title="Terrarium",
        version=__version__,
        summary="A self-hosted generation server that speaks the public FLORA API.",
        lifespan=lifespan,
        # The usual page for it loads its code from another host, which a self-hosted server should not.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.door = Door(
        database=house.database,
        blobs=house.blobs,
        catalog=house.catalog,
        admission=house.admission,
        signals=house.signals,
        public_url=house.settings.public_url,
        is_ready=lambda: house.is_accepting,
        run_ended=house.run_ended,
    )
    app.include_router(api)
    app.include_router(plain)
    install_refusals(app)
    app.add_middleware(BodyLimit, max_bytes=house.settings.max_body_bytes)
    app.add_middleware(AnswerHeaders, rates=house.rates)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


async def _start_workers(house: House) -> None:
    try:
        await asyncio.to_thread(house.start_workers)
    except Exception:
        # Accepting runs that nobody carries out would be worse than not running.
        _log.exception("the workers could not start; stopping")
        house.is_accepting = False
        signal.raise_signal(signal.SIGTERM)


def openapi_document() -> dict[str, Any]:
    """Return our OpenAPI document without opening a database."""
    app = FastAPI(
        title="Terrarium",
        version=__version__,
        summary="A self-hosted generation server that speaks the public FLORA API.",
    )
    app.include_router(api)
    return _described(app)


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        document["servers"] = [{"url": "/"}]
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
        for path in document["paths"].values():
            for operation in path.values():
                # FastAPI declares 422 for every body; here that is a 400 with the envelope.
                operation.get("responses", {}).pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema
