"""The composition root: the only module that imports all packages."""

import asyncio
import logging
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from terrarium_server import __version__, accounts, idempotency, ids, ledger, migrations, money
from terrarium_server.admission import Admission
from terrarium_server.assets import Sweep
from terrarium_server.catalog import (
    LONGEST_ALIAS,
    Availability,
    Catalog,
    ModelCard,
    load_cards,
    weights_folder,
)
from terrarium_server.configuration import Configuration
from terrarium_server.engines.processes import TemporaryFolder, remove_abandoned
from terrarium_server.engines.registry import Engines, discover
from terrarium_server.events import Expiry, Feed
from terrarium_server.http import (
    SERVER_SENT,
    BodyLimit,
    Callers,
    HeadAsGet,
    HttpContext,
    KnownHosts,
    ModelLists,
    OpenStreams,
    RequestRates,
    ResponseHeaders,
    api,
    declare_event_data,
    declare_headers,
    install_refusals,
    unversioned,
)
from terrarium_server.media import FetchRules
from terrarium_server.settings import Settings
from terrarium_server.store import Blobs, Database, Transaction

if TYPE_CHECKING:
    from terrarium_server.execution import Workers

_log = logging.getLogger(__name__)

_ALIAS = re.compile(rf"[!-~]{{1,{LONGEST_ALIAS}}}")


class Services:
    """What one process holds: created from the settings, started once, closed once."""

    def __init__(self, settings: Settings, *, engines: Engines | None = None) -> None:
        """Open the database (its schema is brought up to date) and read the catalogue.

        Raises CardError for a wrong model card, ConfigurationError for a wrong ``terrarium.toml``, and
        RuntimeError for a database that cannot be brought up to date.
        """
        self.settings = settings
        self.configuration = Configuration.find(settings.config)
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
            aliases=self.configuration.aliases,
            problems=Availability(cards, self.engines, self.weights).problems,
        )
        lease = settings.worker_timeout
        self.database = Database(settings.database, lock_timeout=lease / 4, idle_timeout=lease)
        engines_of = {card.id: card.engine for card in cards}
        repeatable = [engine.name for engine in self.engines if engine.repeatable]
        facts = migrations.Facts(engines_of, self.configuration.fallback, repeatable)
        migrations.upgrade(self.database, facts)
        self.database.notifications.start()
        self.blobs = Blobs(settings.data_dir / "media")
        self.feed = Feed(self.database, SERVER_SENT)
        self.fetch_rules = FetchRules(
            max_bytes=settings.max_media_bytes, allow_private=settings.allow_private_fetch
        )
        self.admission = Admission(self.catalog, settings.rate_limit, self.fetch_rules)
        self.workers: Workers | None = None
        self.is_accepting = False

    def start_workers(self) -> None:
        """Start executing runs in this process, those admitted earlier included."""
        from terrarium_server.execution import Context, Workers

        remove_abandoned(self.temporary.path.parent)
        self.temporary.claim()
        context = Context(
            worker_id=self.worker_id,
            database=self.database,
            blobs=self.blobs,
            catalog=self.catalog,
            engines=self.engines,
            weights=self.weights,
            temporary=self.temporary.path,
            single_process=self.database.is_sqlite,
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
            chores=[self._forget_expired, Expiry(self.database).run, sweep.run_if_due],
        )
        workers.start()
        self.workers = workers

    async def _forget_expired(self) -> None:
        await self.database.write_for_worker(idempotency.forget_expired)

    def stopping(self, *, skip_waiting: bool = False) -> None:
        """Prepare to stop: requests stop waiting for runs and listening.

        With ``skip_waiting`` the worker returns its runs at once instead of finishing them.
        """
        self.is_accepting = False
        self.feed.close()
        if skip_waiting and self.workers is not None:
            self.workers.skip_waiting()

    def close(self) -> None:
        """Stop in the order that loses no work."""
        self.stopping()
        if self.workers is not None:
            self.workers.stop()
        self.temporary.release()
        self.database.close()


def _workspaces(tx: Transaction) -> set[str]:
    return {workspace.workspace_id for workspace in accounts.list_workspaces(tx)}


def _check_models(configuration: Configuration, cards: list[ModelCard]) -> None:
    """Raises ConfigurationError for a model that is missing, of the wrong type or hidden by an alias, and for
    an alias that no client could ask for.
    """
    by_id = {card.id: card for card in cards if card.id not in configuration.aliases}
    for alias, model in configuration.aliases.items():
        if not _ALIAS.fullmatch(alias):
            message = f"must have 1 to {LONGEST_ALIAS} printable ASCII characters other than spaces"
            raise configuration.error("aliases", alias, message)
        if model not in by_id:
            message = f"{model} is not a model of this server; one of: {', '.join(sorted(by_id))}"
            raise configuration.error("aliases", alias, message)
    for type, model in configuration.defaults.items():
        if model not in by_id or by_id[model].type != type:
            names = ", ".join(sorted(card.id for card in by_id.values() if card.type == type))
            message = f"{model} is not a model of this type; one of: {names}"
            raise configuration.error("defaults", type, message)
    for model, fallback in configuration.fallback.items():
        if model not in by_id or fallback not in by_id or by_id[model].type != by_id[fallback].type:
            message = f"{model} and {fallback} must be models of this server, of the same type"
            raise configuration.error("fallback", model, message)


def first_start(services: Services) -> accounts.NewKey | None:
    """On an empty database, create a workspace with credits, a project and a key; else return None."""
    settings = services.settings
    with services.database.transaction() as tx:
        # Several servers may start at once; only one of them finds the database empty.
        tx.lock("first start")
        if accounts.count_workspaces(tx):
            return None
        workspace = accounts.create_workspace(tx, "My workspace")
        ledger.open_account(tx, workspace.workspace_id)
        ledger.grant(
            tx, workspace.workspace_id, money.to_micros(settings.bootstrap_credits), note="first start"
        )
        accounts.create_project(tx, workspace.workspace_id, "My project", origin=None)
        return accounts.create_key(
            tx, workspace.workspace_id, name="first key", role="owner", secret=settings.bootstrap_key
        )


def create_app(services: Services, *, workers: bool = True) -> FastAPI:
    """Build the HTTP application; with ``workers`` its process also executes runs."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        services.is_accepting = True
        starting = asyncio.create_task(_start_workers(services)) if workers else None
        yield
        if starting is not None:
            await starting
        await asyncio.to_thread(services.close)

    app = FastAPI(
        title="Terrarium",
        version=__version__,
        summary="A self-hosted generation server that speaks the public FLORA API.",
        lifespan=lifespan,
        # FastAPI's documentation pages load code from another host, which a self-hosted server should not do.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        # The framework would redirect to whatever host a request names.
        redirect_slashes=False,
    )
    app.state.context = HttpContext(
        database=services.database,
        blobs=services.blobs,
        catalog=services.catalog,
        admission=services.admission,
        feed=services.feed,
        open_streams=OpenStreams(services.settings.max_connections),
        known_hosts=KnownHosts(
            services.settings.public_url, services.settings.known_hosts, services.settings.trusted_proxies
        ),
        requests_per_minute=services.settings.request_rate_limit,
        is_ready=lambda: services.is_accepting,
        callers=Callers(services.database),
        request_rates=RequestRates(),
        model_lists=ModelLists(services.catalog),
    )
    app.include_router(api)
    app.include_router(unversioned)
    install_refusals(app)
    app.add_middleware(
        BodyLimit, max_bytes=services.settings.max_body_bytes, seconds=services.settings.body_seconds
    )
    app.add_middleware(ResponseHeaders)
    app.add_middleware(HeadAsGet)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _start_workers(services: Services) -> None:
    try:
        await asyncio.to_thread(services.start_workers)
    except Exception:
        # Accepting runs that are never executed would be worse than stopping.
        _log.exception("the workers could not start; stopping")
        services.is_accepting = False
        signal.raise_signal(signal.SIGTERM)


def openapi_document() -> dict[str, Any]:
    """Return our OpenAPI document without opening a database."""
    app = FastAPI(
        title="Terrarium",
        version=__version__,
        summary="A self-hosted generation server that speaks the public FLORA API.",
    )
    app.include_router(api)
    return _openapi(app)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        document["servers"] = [{"url": "/"}]
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"bearer": []}]
        for path in document["paths"].values():
            for operation in path.values():
                # FastAPI declares 422 for every body; this API answers 400 with its own envelope.
                operation.get("responses", {}).pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        declare_headers(document)
        declare_event_data(document)
        app.openapi_schema = document
    return app.openapi_schema
