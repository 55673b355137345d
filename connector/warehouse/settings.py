"""The `[connector]` section and the sources' sections, resolved the way dlt resolves them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import dlt
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException, ConfigurationException

from connector.api import ApiContext, SourceApi
from connector.decode import Options
from connector.errors import ConfigError
from connector.sources import import_source, list_sources

DEFAULT_RUN_BYTES = 256 << 20
CREDENTIALS = {
    "appmetrica_stream": ("token",),
    "appmetrica_logs": ("token",),
    "mytracker": ("api_user_id", "secret_key"),
    "shortkit": ("token",),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The `[connector]` section.

    `warehouse` is the DuckDB file, `home` holds journal and spool (0700), `max_run_bytes` is how
    much is downloaded before it is loaded and committed, `seeds` the folder of CSV files that stand
    in for packaged seeds.
    """

    warehouse: Path
    destination: str
    home: Path
    max_run_bytes: int
    keep_files: bool
    report_time_zone: str
    publish: str
    seeds: Path | None = None

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.home / "journal.db"


def read_settings(*, warehouse: Path | None = None, home: Path | None = None) -> Settings:
    """The section as configured; the arguments win. Raises ConfigError at a value of wrong type."""
    return Settings(
        warehouse=warehouse or Path(str(_read("warehouse", str, "warehouse.duckdb"))),
        destination=str(_read("destination", str, "duckdb")),
        home=home or Path(str(_read("home", str, ".connector"))),
        max_run_bytes=cast("int", _read("max_run_bytes", int, DEFAULT_RUN_BYTES)),
        keep_files=cast("bool", _read("keep_files", bool, default=False)),
        report_time_zone=str(_read("report_time_zone", str, "UTC")),
        publish=str(_read("publish", str, "")),
        seeds=Path(seeds) if (seeds := str(_read("seeds", str, ""))) else None,
    )


def _read(key: str, kind: type, default: object) -> object:
    try:
        value: object = dlt.config.get(f"connector.{key}", kind)
    except (ValueError, TypeError, ConfigurationException) as error:
        raise ConfigError(
            f"connector.{key} is no {kind.__name__}: {error}. Set it in .dlt/config.toml under"
            f" [connector], or as CONNECTOR__{key.upper()} in the environment."
        ) from None
    return default if value is None or value == "" else value


def read_values(source: str, keys: Sequence[str]) -> dict[str, Any]:
    """Those of a source's settings that are set, as they came; needs no credentials."""
    values: dict[str, Any] = {key: dlt.config.get(f"sources.{source}.{key}") for key in keys}
    return {key: value for key, value in values.items() if value is not None}


def configured_sources() -> list[str]:
    """Names of the sources whose credentials are present."""
    return [name for name in list_sources() if not _missing_credentials(name)]


def _missing_credentials(source: str) -> list[str]:
    keys = CREDENTIALS.get(source, ("token",))
    return [key for key in keys if not dlt.secrets.get(f"sources.{source}.{key}", str)]


def select_sources(names: Sequence[str]) -> list[str]:
    """The sources named, or all configured ones; ConfigError where there is none to sync."""
    if unknown := [name for name in names if name not in list_sources()]:
        raise ConfigError(
            f"there is no source {unknown[0]!r}; there is: {', '.join(list_sources())}"
        )
    chosen = list(dict.fromkeys(names)) or configured_sources()
    for name in chosen:
        if missing := _missing_credentials(name):
            raise ConfigError(_say_missing(name, missing[0]))
    if not chosen:
        raise ConfigError(
            "no source is configured: a source is synced when its credentials are there, in"
            f" .dlt/secrets.toml or in the environment: {_name_credentials()}. Or try it without"
            " an account: connector demo"
        )
    return chosen


def _name_credentials() -> str:
    """The keys of every source's credentials and their variables."""
    keys = [f"sources.{source}.{key}" for source in list_sources() for key in CREDENTIALS[source]]
    return ", ".join(f"{key} ({key.replace('.', '__').upper()})" for key in keys)


def _say_missing(source: str, key: str) -> str:
    return (
        f"sources.{source}.{key} is not set: looked for the environment variable"
        f" SOURCES__{source.upper()}__{key.upper()} and for {key!r} under [sources.{source}] in"
        " .dlt/secrets.toml. Set one of them."
    )


def resolve_source(name: str) -> Mapping[str, Any]:
    """A source's settings: its function's signature, filled in by dlt."""
    function = getattr(import_source(name), name)
    try:
        resolved = resolve_configuration(function.ref.SPEC(), sections=("sources", name))
    except ConfigFieldMissingException as error:
        raise ConfigError(_say_missing(name, next(iter(error.fields)))) from None
    except ConfigurationException as error:
        raise ConfigError(f"[sources.{name}]: {str(error).splitlines()[0]}") from None
    return dict(resolved)


def open_api(name: str, context: ApiContext | None = None) -> tuple[SourceApi, Options]:
    """The API of a configured source, and how its files are read."""
    module, settings = import_source(name), resolve_source(name)
    return module.make_api(settings, context or ApiContext()), module.make_options(settings)
