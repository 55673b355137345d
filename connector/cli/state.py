"""`connector state`: show, reset, export and import what the connector remembers."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli.options import Sources, Tables, Yes
from connector.cli.session import Session, to_plain
from connector.cli.tables import make_table, show_moment
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.warehouse.settings import Settings

group = typer.Typer(
    name="state",
    no_args_is_help=True,
    help="What the connector remembers: cursors, ledger, journal.",
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    app.add_typer(group)


@verb(group, "show")
def show(session: Session, sources: Sources = None) -> int:
    """Cursors by table, units that wait for being loaded again, what the journal holds."""
    from connector.warehouse.home import hold_home
    from connector.warehouse.overview import read_journal
    from connector.warehouse.upkeep import read_state

    settings = session.settings()
    names = check_sources(sources)
    with hold_home(settings):
        cursors = {name: read_state(settings, name) for name in names}
    facts, _ = read_journal(settings.journal, datetime.now(UTC), 0)
    marked = _count_marked(settings)
    values: dict[str, Any] = {
        name: {"cursors": cursors[name], "units_to_load_again": marked.get(name, 0)}
        for name in names
    }
    for item in facts:
        if item.source in values:
            values[item.source] |= item.to_json()
    rows = [
        (name, table, path, _show_cursor(text))
        for name in names
        for table, paths in cursors[name].items()
        for path, text in sorted(paths.items())
    ]
    shown = [make_table("Cursors (UTC)", ("source", "table", "follows", "stands at"), rows)]
    waiting = [f"{name}: {count:,} units will be loaded again" for name, count in marked.items()]
    return session.answer({"sources": values}, *shown, *(waiting or ["no unit is marked"]))


def _show_cursor(text: str) -> str:
    try:
        return show_moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def check_sources(names: list[str] | None) -> list[str]:
    """The sources named, or all there are; ConfigError at an unknown one."""
    from connector.errors import ConfigError
    from connector.sources import list_sources

    if unknown := set(names or ()) - set(list_sources()):
        raise ConfigError(f"no source {sorted(unknown)}; there is: {', '.join(list_sources())}")
    return list(dict.fromkeys(names or list_sources()))


def _count_marked(settings: "Settings") -> dict[str, int]:
    from connector.warehouse.store import open_warehouse
    from connector.warehouse.upkeep import count_marked
    from connector.warehouse.verification import list_datasets

    if settings.destination != "duckdb" or not settings.warehouse.exists():
        return {}
    with closing(open_warehouse(settings, read_only=True)) as connection:
        counts = {name: count_marked(connection, name) for name in list_datasets(connection)}
    return {name: count for name, count in counts.items() if count}


@verb(group, "reset")
def reset(
    session: Session,
    *,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source.")],
    table: Tables = None,
    yes: Yes = False,
) -> int:
    """Let the next sync load again everything the vendor still has, and replace it.

    No row is deleted: units the vendor has deleted meanwhile stay as they were loaded.
    """
    from connector.errors import ConfigError
    from connector.warehouse.home import hold_home
    from connector.warehouse.store import open_warehouse
    from connector.warehouse.upkeep import reset_units
    from connector.warehouse.verification import list_datasets

    check_sources([source])
    settings = session.settings()
    open_warehouse(settings, read_only=True).close()  # ConfigError where there is none yet
    if not yes and not session.confirm(f"Load {source} again from the vendor?"):
        raise ConfigError("nothing was reset: say --yes to do it")
    with hold_home(settings), closing(open_warehouse(settings)) as connection:
        if source not in list_datasets(connection):
            raise ConfigError(f"nothing of {source} was loaded yet, so there is nothing to reset")
        done = reset_units(connection, source, tuple(table or ()))
    values = {"source": source, "tables": done.tables, "units": done.units}
    return session.answer(values, done.sentence)


@verb(group, "export")
def export(
    session: Session,
    *,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Standard output if left out.")
    ] = None,
) -> int:
    """Write cursors and journal to a JSON file; it holds no credential."""
    from connector.warehouse.home import hold_home
    from connector.warehouse.upkeep import export_state

    settings = session.settings()
    with hold_home(settings):
        exported = export_state(settings, datetime.now(UTC))
    text = json.dumps(exported, indent=2, default=to_plain) + "\n"
    if file is None:
        if session.is_json:
            return session.answer(exported)
        session.write(text)
        return 0
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    count = sum(map(len, exported["journal"].values()))
    return session.answer({"file": file, "journal_entries": count}, f"written: {file}")


@verb(group, "import")
def import_(
    session: Session,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Made by `connector state export`.")],
    yes: Yes = False,
) -> int:
    """Bring cursors and journal back from an exported file; rows are not touched."""
    from connector.errors import ConfigError
    from connector.warehouse.home import hold_home
    from connector.warehouse.upkeep import import_state, read_export

    exported = read_export(file)
    settings = session.settings()
    if not yes and not session.confirm(f"Replace cursors and journal by those of {file}?"):
        raise ConfigError("nothing was imported: say --yes to do it")
    with hold_home(settings):
        counts = import_state(settings, exported)
    said = f"{counts['cursors']} cursors and {counts['journal_entries']} journal entries restored"
    return session.answer(counts, said)
