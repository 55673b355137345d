"""`connector stream-settings`: AppMetrica Data Stream's export settings as code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli.options import Yes
from connector.cli.session import Session
from connector.cli.tables import make_table
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.sources.appmetrica_stream.api import StreamApi
    from connector.sources.appmetrica_stream.stream_settings import Change

Desired = Annotated[Path, typer.Argument(metavar="FILE", help="TOML; see examples/.")]

group = typer.Typer(
    name="stream-settings",
    no_args_is_help=True,
    help="What AppMetrica Data Stream exports, as code.",
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    app.add_typer(group)


@contextmanager
def _api() -> Iterator["StreamApi"]:
    from connector.sources.appmetrica_stream.stream_settings import SOURCE
    from connector.warehouse.pipeline import open_api, select_sources

    select_sources([SOURCE])
    api: Any = open_api(SOURCE)[0]
    try:
        yield api
    finally:
        api.close()


@verb(group, "show")
def show(session: Session) -> int:
    """What the vendor exports now, for every configured app."""
    with _api() as api:
        current = {app: api.read_settings(app) for app in api.application_ids}
    heads = ("app", "data type", "enabled", "format", "fields", "include", "exclude")
    rows = [
        (
            app,
            export["data_type"],
            bool(export.get("enabled", True)),
            export.get("export_format"),
            *(len(export.get(key) or ()) for key in ("fields", "include_events", "exclude_events")),
        )
        for app, settings in current.items()
        for export in settings.get("export_fields", ())
    ]
    shown = [make_table("Data Stream settings", heads, rows, right=heads[4:])]
    switches = [
        f"{app}: the stream is {'on' if settings.get('ui_checkbox_enabled') else 'OFF'}"
        for app, settings in current.items()
    ]
    return session.answer({"applications": current}, *shown, *switches)


@verb(group, "plan")
def plan(session: Session, *, file: Desired) -> int:
    """Check the file, and say what `apply` would change; changes nothing."""
    from connector.sources.appmetrica_stream.stream_settings import find_changes, read_desired

    desired = read_desired(file)
    with _api() as api:
        changes = {app: find_changes(api.read_settings(app), desired[app]) for app in desired}
    values = {app: {"changes": [asdict(one) for one in found]} for app, found in changes.items()}
    return session.answer({"applications": values}, *_show_changes(changes))


@verb(group, "apply")
def apply(session: Session, *, file: Desired, yes: Yes = False) -> int:
    """Send the settings that differ, read them back, and say what still differs (exit 6).

    The vendor replaces the whole object: data types the file does not name are switched off.
    """
    from connector.errors import AuditError, ConfigError
    from connector.sources.appmetrica_stream.stream_settings import find_changes, read_desired

    desired = read_desired(file)
    with _api() as api:
        changes = {app: find_changes(api.read_settings(app), desired[app]) for app in desired}
        differing = [app for app, found in changes.items() if found]
        for line in _show_changes(changes):
            session.note(line)
        if differing and not yes and not session.confirm("Send these settings?"):
            raise ConfigError("nothing was sent: say --yes to do it")
        values: dict[str, Any] = {}
        left: dict[str, list[Change]] = {}
        for app, found in changes.items():
            if app in differing:
                api.write_settings(app, desired[app])
                session.note(f"application {app}: sent")
                left[app] = find_changes(api.read_settings(app), desired[app])
            values[app] = {
                "changes": [asdict(one) for one in found],
                "sent": app in differing,
                "still_different": [asdict(one) for one in left.get(app, [])],
            }
    exit_code = AuditError.exit_code if any(left.values()) else 0
    said = _show_outcome(left)
    return session.answer({"applications": values}, *said, exit_code=exit_code)


def _show_changes(changes: dict[str, list["Change"]]) -> list[str]:
    signs = {"added": "+", "removed": "-", "changed": "~"}
    lines = []
    for app, found in changes.items():
        lines.append(f"application {app}: {f'{len(found)} changes' if found else 'no difference'}")
        lines += [
            f"  {signs[one.kind]} {' '.join(filter(None, (one.data_type, one.what)))}: {one.text}"
            for one in found
        ]
    return lines


def _show_outcome(left: dict[str, list["Change"]]) -> list[str]:
    if not left:
        return ["nothing differs; nothing was sent"]
    lines = [f"application {app}: settings sent; they touch new data only" for app in left]
    for app, found in left.items():
        if found:
            lines.append(f"application {app}: the vendor did not take all of it:")
            lines += _show_changes({app: found})[1:]
    return lines
