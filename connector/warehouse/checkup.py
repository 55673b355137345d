"""What `connector doctor` looks at, each check by itself: one that fails stops no other."""

import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from connector.errors import ConfigError, ConnectorError
from connector.sources import list_sources
from connector.warehouse.settings import CREDENTIALS, Settings, configured_sources, open_api
from connector.warehouse.store import open_warehouse

LITTLE_SPACE_BYTES = 5 << 30
PACKAGES = ("app-analytics-connector", "dlt", "duckdb", "pyarrow", "sqlglot")

Origin = Callable[[str, str], str]
Outcome = Literal["ok", "warning", "failed", "off"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `exit_code` is 0 unless it failed; `facts` are for machines."""

    name: str
    outcome: Outcome
    text: str
    exit_code: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)


def check_all(settings: Settings, origin: Origin) -> Iterator[Check]:
    """Every check: versions, folders, the warehouse, then each source.

    `origin` says where a credential (source, key) was read from.
    """
    yield check_versions()
    yield _guard("home", lambda: check_folder("home", settings.home))
    yield _guard("warehouse", lambda: check_warehouse(settings))
    chosen = configured_sources()
    if not chosen:
        said = "no source is configured yet; `connector demo` needs none"
        yield Check("sources", "failed", said, ConfigError.exit_code)
    for name in list_sources():
        if name in chosen:
            yield from check_source(name, origin)
        else:
            yield Check(name, "off", _say_how_to_configure(name))


def _guard(name: str, check: Callable[[], Check]) -> Check:
    """A check's outcome, or what it raised."""
    try:
        return check()
    except ConnectorError as error:
        return Check(name, "failed", str(error), error.exit_code)


def check_versions() -> Check:
    """Python and the packages that matter."""
    facts = {name: importlib.metadata.version(name) for name in PACKAGES}
    facts["python"] = platform.python_version()
    return Check("versions", "ok", ", ".join(f"{k} {v}" for k, v in facts.items()), facts=facts)


def check_folder(name: str, folder: Path) -> Check:
    """Can be written to, and has space; the folder is not made where it is missing."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        text = (
            f"{folder} cannot be written to: {error.strerror}. Set connector.{name} to another"
            f" place in .dlt/config.toml, as CONNECTOR__{name.upper()}, or with --{name}"
        )
        return Check(name, "failed", text, ConfigError.exit_code)
    facts = {"path": str(folder.absolute()), "free_bytes": free}
    said = f"{folder} can be written to, {free / 1e9:.1f} GB free"
    outcome: Outcome = "warning" if free < LITTLE_SPACE_BYTES else "ok"
    return Check(name, outcome, said, facts=facts)


def check_warehouse(settings: Settings) -> Check:
    """The destination; for DuckDB also that the file can be opened."""
    if settings.destination != "duckdb":
        said = f"destination {settings.destination}: loading only; models and checks need duckdb"
        return Check("warehouse", "warning", said, facts={"destination": settings.destination})
    found = check_folder("warehouse", settings.warehouse.parent)
    if found.outcome != "failed" and settings.warehouse.exists():
        open_warehouse(settings, read_only=True).close()
        size = settings.warehouse.stat().st_size
        facts = {**found.facts, "path": str(settings.warehouse.absolute()), "bytes": size}
        said = f"{settings.warehouse}, {size / 1e6:.1f} MB; {found.text}"
        return Check("warehouse", found.outcome, said, facts=facts)
    return found


def check_source(name: str, origin: Origin) -> Iterator[Check]:
    """Settings are right, credentials are taken, the configured apps are visible."""
    try:
        api, _ = open_api(name)
    except ConnectorError as error:
        yield Check(name, "failed", str(error), error.exit_code)
        return
    with closing(api):
        keys = CREDENTIALS.get(name, ("token",))
        found = ", ".join(f"sources.{name}.{key} from {origin(name, key)}" for key in keys)
        yield Check(name, "ok", f"configured: {found}")
        if hasattr(api, "list_applications"):
            taken = _guard(f"{name} credentials", lambda: _check_applications(name, api))
            yield taken
            if taken.outcome == "failed":
                return
        if hasattr(api, "describe_access"):
            yield _guard(
                f"{name} credentials",
                lambda: Check(f"{name} credentials", "ok", api.describe_access()),
            )
        for advice in api.list_advice() if hasattr(api, "list_advice") else ():
            yield Check(f"{name} settings", "warning", advice)
        if hasattr(api, "read_settings"):
            for app in api.application_ids:
                yield _guard(f"{name} {app}", lambda app=app: _check_export(name, api, app))  # type: ignore[misc]


def _check_applications(name: str, api: Any) -> Check:
    """One read call: the apps this token sees, against those that are configured."""
    seen = {str(app["id"]): str(app.get("name", "")) for app in api.list_applications()}
    missing = [app for app in api.application_ids if app not in seen]
    named = ", ".join(f"{app} {title}".strip() for app, title in seen.items())
    facts = {"applications": seen, "missing": missing}
    if missing:
        text = (
            f"sources.{name}.application_ids has {', '.join(missing)}, which this token does not"
            f" see. It sees: {named or 'no application'}"
        )
        return Check(f"{name} credentials", "failed", text, ConfigError.exit_code, facts)
    said = f"the token is taken; it sees {named}"
    return Check(f"{name} credentials", "ok", said, facts=facts)


def _check_export(name: str, api: Any, application_id: str) -> Check:
    """The stream is on, and exports the tables that are to be synced."""
    settings = api.read_settings(application_id)
    exported = {
        item["data_type"] for item in settings.get("export_fields") or () if item.get("enabled")
    }
    facts = {"enabled": bool(settings.get("ui_checkbox_enabled")), "data_types": sorted(exported)}
    title = f"{name} {application_id}"
    if not facts["enabled"]:
        said = "Data Stream is off: nothing is exported. See `connector stream-settings`"
        return Check(title, "failed", said, ConfigError.exit_code, facts)
    if absent := [table for table in api.tables if table not in exported]:
        said = f"Data Stream is on, but does not export {', '.join(absent)}"
        return Check(title, "warning", said, facts=facts)
    return Check(title, "ok", f"Data Stream is on and exports {len(exported)} types", facts=facts)


def _say_how_to_configure(name: str) -> str:
    keys = CREDENTIALS.get(name, ("token",))
    variables = ", ".join(f"SOURCES__{name.upper()}__{key.upper()}" for key in keys)
    return (
        f"not configured: set {', '.join(keys)} under [sources.{name}] in .dlt/secrets.toml, or"
        f" {variables} in the environment"
    )
