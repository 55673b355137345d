"""`connector quarantine`: what did not fit, and trying it again."""

from contextlib import closing
from dataclasses import asdict
from dataclasses import replace as replace_field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli.options import Sources, Tables
from connector.cli.session import Session
from connector.cli.state import check_sources
from connector.cli.tables import make_table
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.decode import Options
    from connector.journal import Journal
    from connector.warehouse.quarantine import Filter, Replay

SHOWN_TEXT = 60

group = typer.Typer(
    name="quarantine",
    no_args_is_help=True,
    help="Cells and records that did not fit: kept as they came.",
)


class Kind(StrEnum):
    """A cell of a row that was loaded without it, or a record that could not be read."""

    CELL = "cell"
    ROW = "row"


Units = Annotated[
    list[str] | None,
    typer.Option(
        "--unit", metavar="UNIT", help="Only this unit; may be repeated.", show_default=False
    ),
]
OneKind = Annotated[
    Kind | None, typer.Option(metavar="cell|row", help="Only this kind.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    app.add_typer(group)


@verb(group, "list")
def list_(
    session: Session,
    *,
    sources: Sources = None,
    table: Tables = None,
    unit: Units = None,
    kind: OneKind = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="Show at most this many.")] = 100,
) -> int:
    """What is in quarantine: where it came from, why it did not fit, and what it was."""
    from connector.warehouse.quarantine import Filter, count_quarantine, list_quarantine
    from connector.warehouse.store import open_warehouse

    names = check_sources(sources)
    entries: list[dict[str, Any]] = []
    total = 0
    with closing(open_warehouse(session.settings(), read_only=True)) as connection:
        for name in names:
            chosen = Filter(name, tuple(table or ()), tuple(unit or ()), kind.value if kind else "")
            entries += list_quarantine(connection, chosen, limit)
            total += count_quarantine(connection, chosen)
    heads = ("unit", "kind", "row", "line", "field", "what came", "reason")
    rows = [
        (
            entry["unit"],
            entry["kind"],
            entry["_row"],
            entry["file_line"],
            entry["field_name"],
            _shorten(entry["value"] if entry["kind"] == "cell" else entry["raw"]),
            entry["reason"],
        )
        for entry in entries[:limit]
    ]
    shown = [make_table("Quarantine", heads, rows, right=("row", "line"))] if rows else []
    said = f"{total:,} in quarantine" + (f", {len(rows):,} shown" if total > len(rows) else "")
    return session.answer({"total": total, "entries": entries[:limit]}, *shown, said)


def _shorten(text: str | None) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= SHOWN_TEXT else f"{line[:SHOWN_TEXT]}…"


@verb(group, "replay")
def replay(
    session: Session,
    *,
    sources: Sources = None,
    table: Tables = None,
    unit: Units = None,
    kind: OneKind = None,
    local: Annotated[
        bool, typer.Option("--local", help="Use only what is here; mark no unit for download.")
    ] = False,
) -> int:
    """Try again: cells and JSON records that fit by now go where they belong.

    Other records need their file: units the vendor still has are marked, so that the next sync
    fetches and replaces them; the rest stays, and is named.
    """
    from connector.warehouse.home import hold_home
    from connector.warehouse.quarantine import Filter
    from connector.warehouse.store import open_warehouse
    from connector.warehouse.verification import list_datasets

    settings = session.settings()
    open_warehouse(settings, read_only=True).close()  # ConfigError where there is none yet
    chosen = Filter("", tuple(table or ()), tuple(unit or ()), kind.value if kind else "")
    names = check_sources(sources)
    values: dict[str, Any] = {}
    shown: list[str] = []
    with hold_home(settings) as journal, closing(open_warehouse(settings)) as connection:
        for name in (name for name in names if name in list_datasets(connection)):
            done = _replay_source(connection, name, chosen)
            values[name] = asdict(done)
            values[name] |= _fetch_again(connection, done, journal, is_local=local)
            shown += _explain(done, values[name])
    return session.answer({"sources": values}, *shown)


def _replay_source(connection: Any, name: str, chosen: "Filter") -> "Replay":
    from connector.warehouse import quarantine

    only = replace_field(chosen, source=name)
    return quarantine.replay(connection, only, _read_options(name), datetime.now(UTC))


def _read_options(name: str) -> "Options":
    """How the source's files are read; the defaults where it is not configured here."""
    from connector.decode import Options
    from connector.errors import ConfigError
    from connector.warehouse.settings import open_api

    try:
        api, options = open_api(name)
    except ConfigError:
        return Options()
    api.close()
    return options


def _fetch_again(
    connection: Any, done: "Replay", journal: "Journal", *, is_local: bool
) -> dict[str, Any]:
    """Mark the units of unreadable records that the vendor still lists."""
    from connector.errors import ConnectorError
    from connector.warehouse.upkeep import list_missing, mark_units

    outcome: dict[str, Any] = {"units_marked": [], "units_gone": [], "problem": ""}
    if not done.units_left or is_local:
        return outcome
    try:
        gone = list_missing(done.source, journal, done.units_left)
    except ConnectorError as error:
        return outcome | {"problem": str(error)}
    outcome["units_marked"] = [unit for unit in done.units_left if unit not in gone]
    outcome["units_gone"] = gone
    mark_units(connection, done.source, outcome["units_marked"])
    return outcome


def _explain(done: "Replay", outcome: dict[str, Any]) -> list[str]:
    summary = (
        f"{done.source}: {done.cells:,} cells and {done.rows:,} records left quarantine;"
        f" {done.cells_left:,} cells and {done.rows_left:,} records stay"
    )
    said = [summary]
    if marked := outcome["units_marked"]:
        said.append(f"the next sync fetches again: {', '.join(marked)}")
    if gone := outcome["units_gone"]:
        said.append(f"the vendor has these no more, their records stay here: {', '.join(gone)}")
    if outcome["problem"]:
        said.append(f"could not ask the vendor what it still has: {outcome['problem']}")
    return said
