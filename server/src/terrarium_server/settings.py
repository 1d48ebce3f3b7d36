"""Every setting of the server, read from ``TERRARIUM_*`` environment variables.

The table in `docs/settings.md` is compared with this class by a test.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_NAME = re.compile(r"[A-Za-z0-9._-]+")


class Settings(BaseSettings):
    """The owner's choices. Durations are seconds, sizes bytes, money USD."""

    model_config = SettingsConfigDict(env_prefix="TERRARIUM_", frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path(".terrarium"), description="Folder of the database and the media.")
    database_url: str | None = Field(
        default=None, description="`postgresql://…` to use PostgreSQL; unset means SQLite in the data folder."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8787, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    max_connections: int = Field(
        default=2048,
        ge=1,
        le=32_768,
        description="Connections that are open at the same time; further clients wait. Streams of events of "
        "one workspace may use a quarter of them, those of all workspaces half.",
    )
    public_url: str | None = Field(
        default=None,
        description="Address that clients see, for links; unset means the request's Host, if it is known.",
    )
    known_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts for links besides those of this machine, separated by commas: `studio.lan`.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Addresses or networks of proxies whose `X-Forwarded-Proto`, `-Host` and `-Prefix` are "
        "believed, separated by commas.",
    )
    bootstrap_key: str | None = Field(
        default=None,
        min_length=8,
        description="API key to create on the first start instead of a random one.",
    )
    bootstrap_credits: float = Field(
        default=100.0, ge=0, le=1e9, description="Credits in USD of the first workspace."
    )
    rate_limit: int = Field(
        default=600,
        ge=1,
        le=1_000_000,
        description="Runs a workspace may start per minute unless set for it.",
    )
    request_rate_limit: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="Other requests a workspace may send per minute to one process; unset means ten times as "
        "many as the runs it may start.",
    )
    price_scale: float = Field(
        default=1.0, ge=0, le=1000, description="Factor on every model's price; 0 makes all runs free."
    )
    cards_dir: Path | None = Field(
        default=None, description="Folder with the owner's own model cards (TOML)."
    )
    config: Path | None = Field(
        default=None,
        description="The owner's configuration; unset means `terrarium.toml` in the working folder, if any.",
    )
    weights_dir: Path | None = Field(
        default=None,
        description="Folder of models' weights; unset means `terrarium/weights` in the user's cache.",
    )
    allow_private_fetch: bool = Field(
        default=False,
        description="For development: media links may use http and lead to private addresses.",
    )
    max_media_bytes: int = Field(
        default=200 << 20, ge=1024, description="Largest medium that is fetched from a link."
    )
    worker_runs: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Runs that one worker process has at the same time; most of them wait for a provider.",
    )
    drain_seconds: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="How long work that costs nothing may go on when the server is told to stop.",
    )
    sketch_processes: int = Field(
        default=max(1, (os.cpu_count() or 2) // 2), ge=1, le=64, description="Processes that paint sketches."
    )
    max_body_bytes: int = Field(default=1 << 20, ge=1024, description="Largest JSON body that is read.")
    body_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="Seconds within which a body must arrive."
    )
    worker_timeout: Annotated[float, Field(gt=1)] = Field(
        default=10.0,
        description="Seconds that a worker's lease lasts without being renewed; then others take its runs.",
    )
    log_level: str = Field(default="INFO", description="Level of the server's log.")

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://", "sqlite:///")):
            raise ValueError("must start with postgresql:// or sqlite:///")
        return value

    @field_validator("known_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("known_hosts")
    @classmethod
    def _check_known_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Clients send an IPv6 address in brackets, so owners copy them.
        value = tuple(name.removeprefix("[").removesuffix("]") for name in value)
        for name in value:
            if not _NAME.fullmatch(name) and not _is_address(name):
                raise ValueError(f"{name!r} must be a name or an address, without a scheme and a port")
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else None

    @property
    def database(self) -> str:
        """The database's URL: the owner's, or a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'terrarium.db'}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
