"""How and where deliveries are received: the keys of [sources.shortkit] for it, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import ConfigError
from connector.settings import Section

SOURCE = "shortkit"
KEYS = ("signature", "webhook_tolerance_seconds", "download_hosts")  # and webhook_secret
HEALTH = "/healthz"  # the path of the question whether the receiver is well
RECIPES = ("A", "B", "C", "D")
DEFAULTS = {"signature": "A", "webhook_tolerance_seconds": 300.0}
DOWNLOAD_HOSTS = ("exports.shortkit.dev",)
MOST_SECRETS = 2  # while one is being replaced by another


@dataclass(frozen=True, slots=True)
class Reception:
    """`recipe` is how deliveries are signed; every one of `secrets` is valid; `tolerance_s` is how far
    a delivery's time may be from ours; `download_hosts` are hosts, or host:port, of links;
    `names_hosts`: the user named them, so that plain http will do.
    """

    recipe: str
    secrets: tuple[bytes, ...]
    tolerance_s: float
    download_hosts: tuple[str, ...]
    names_hosts: bool = False

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Reception(recipe={self.recipe!r}, {len(self.secrets)} secrets)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the receiver listens (`port` 0: any free one; `path` of deliveries), and its home."""

    host: str
    port: int
    path: str
    home: Path


def read_reception(values: Mapping[str, Any]) -> Reception:
    """The settings; raises ConfigError naming the first one that is wrong."""
    section = Section(SOURCE, DEFAULTS | dict(values))
    recipe = section.choice("signature", *RECIPES)
    return Reception(
        recipe=recipe,
        secrets=_read_secrets(section, recipe),
        tolerance_s=section.number("webhook_tolerance_seconds", 1, 86_400),
        download_hosts=tuple(
            host.lower() for host in section.names("download_hosts") or DOWNLOAD_HOSTS
        ),
        names_hosts=bool(section.names("download_hosts")),
    )


def _read_secrets(section: Section, recipe: str) -> tuple[bytes, ...]:
    try:
        secrets, problem = section.names("webhook_secret"), ""
    except ConfigError:  # its text would show the value
        secrets, problem = (), "is no list of texts"
    if not secrets and not problem:
        problem = "is not set"
    if len(secrets) > MOST_SECRETS:
        problem = f"holds {len(secrets)} secrets; {MOST_SECRETS} are valid while one is replaced"
    elif recipe == "D" and any("/" in secret for secret in secrets):
        problem = "has a slash in it, and with signature D it is one segment of the URL"
    if problem:
        raise ConfigError(
            f"sources.{SOURCE}.webhook_secret {problem}. Set it in .dlt/secrets.toml under"
            f" [sources.{SOURCE}], or as SOURCES__{SOURCE.upper()}__WEBHOOK_SECRET in the environment."
        )
    return tuple(secret.encode() for secret in secrets)
