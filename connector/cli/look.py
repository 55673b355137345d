"""`connector plan`, `status` and `verify`: what is to come, what is there, does it add up."""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from connector.cli.options import Sources
from connector.cli.session import Session
from connector.cli.state import check_sources
from connector.cli.tables import make_table, show_bytes, show_moment, show_span
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.warehouse.overview import Freshness, JournalFacts, StreamGap
    from connector.warehouse.planning import SourcePlan
    from connector.warehouse.settings import Settings

SHOWN_UNITS = 20


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    verb(app, "plan")(plan)
    verb(app, "status")(status)
    verb(app, "verify")(verify)


def plan(session: Session, sources: Sources = None) -> int:
    """What the next sync would fetch, what it costs of each quota, what dies when.

    Exit 7 when data is certain to be lost. Asks the vendors, loads nothing.
    """
    from connector.errors import worst_exit_code
    from connector.warehouse import pipeline

    settings = session.settings()
    plans = pipeline.plan(settings, pipeline.select_sources(sources or ()))
    exit_code = worst_exit_code([one.exit_code for one in plans])
    gaps = _read_gaps(settings)
    shown = [item for one in plans for item in _show_plan(one)]
    shown += [
        f"app {gap.application_id}: Data Stream has a gap from {show_moment(gap.from_at)} to"
        f" {show_moment(gap.until_at)} (UTC). The Logs API may have its rows: {gap.remedy}"
        for gap in gaps
    ]
    values = {
        "sources": {one.source: one.to_json() for one in plans},
        "stream_gaps": [asdict(gap) | {"remedy": gap.remedy} for gap in gaps],
    }
    return session.answer(values, *shown, exit_code=exit_code)


def _read_gaps(settings: "Settings") -> "list[StreamGap]":
    """Gaps of the stream that nothing has healed yet; none where nothing was modelled yet."""
    from connector.warehouse.overview import read_open_gaps
    from connector.warehouse.store import open_warehouse

    if settings.destination != "duckdb" or not settings.warehouse.exists():
        return []
    with closing(open_warehouse(settings, read_only=True)) as connection:
        return read_open_gaps(connection)


def _show_plan(one: "SourcePlan") -> list[RenderableType]:
    heads = ("table", "apps", "due", "growing", "rows", "size", "columns", "oldest", "next expiry")
    due = one.to_json()["tables"]
    growing: dict[str, int] = {}
    for unit in one.growing:
        growing[unit.table] = growing.get(unit.table, 0) + 1
    rows = [
        (
            table["table"],
            table["applications"],
            table["units"],
            growing.pop(table["table"], 0),
            "not said" if table["rows"] is None else table["rows"],
            "" if table["bytes"] is None else show_bytes(table["bytes"]),
            len(table["columns"]),
            _read(table["oldest_at"]),
            _read(table["next_expiry_at"]),
        )
        for table in due
    ]
    rows += [
        (name, "", 0, count, 0, show_bytes(0), 0, None, None) for name, count in growing.items()
    ]
    per_day = f" of {one.quota_per_day:,} a day" if one.quota_per_day else ""
    summary = (
        f"{one.source}: {len(one.due):,} units due, {len(one.growing):,} still growing;"
        f" about {one.requests:,} requests to come, {one.quota_used:,} used today{per_day}"
    )
    if one.quota_per_hour is not None:
        summary += f", at most {one.quota_per_hour:,} an hour"
    if one.requests_daily is not None:
        summary += f"; a day costs about {one.requests_daily:,} once history is loaded"
    refused = [f"app {app} is left out: {error}" for app, error in one.refusals.items()]
    grid = make_table(one.source, heads, rows, right=heads[1:7])
    return [grid, summary, *refused, *_show_losses(one)]


def _show_losses(one: "SourcePlan") -> list[RenderableType]:
    shown: list[RenderableType] = []
    gone = "LOST, no longer to be had from the vendor"
    for units, said in ((one.gone, gone), (one.at_risk, "CERTAIN TO BE LOST: quota too small")):
        shown += [
            f"{said}: {unit.id}, {unit.declared_rows or 0:,} rows, expires"
            f" {show_moment(unit.expires_at)}"
            for unit in units[:SHOWN_UNITS]
        ]
        if len(units) > SHOWN_UNITS:
            shown.append(f"{said}: and {len(units) - SHOWN_UNITS:,} more; --json names all")
    return shown


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def status(
    session: Session,
    runs: Annotated[
        int, typer.Option(min=0, max=200, metavar="N", help="How many runs to show.")
    ] = 5,
) -> int:
    """Freshness and lag by app and table, last runs, quota use, failures by name, waiting files."""
    from connector.errors import BusyError, ConfigError
    from connector.warehouse.overview import read_freshness, read_journal
    from connector.warehouse.store import open_warehouse

    settings, now = session.settings(), datetime.now(UTC)
    facts, last = read_journal(settings.journal, now, runs)
    fresh: list[Freshness] = []
    problem, exit_code = "", 0
    try:
        with closing(open_warehouse(settings, read_only=True)) as connection:
            fresh = read_freshness(connection, now)
    except (BusyError, ConfigError) as error:
        problem, exit_code = str(error), error.exit_code
    values: dict[str, Any] = {
        "tables": [asdict(item) for item in fresh],
        "sources": {item.source: item.to_json() for item in facts},
        "runs": last,
    }
    if problem:
        values["error"] = problem
        session.note(f"error: {problem}")
    shown = [_show_freshness(fresh)] if fresh else []
    shown += _show_facts(facts)
    shown += [_show_runs(last)] if last else []
    return session.answer(values, *shown, exit_code=exit_code)


def _show_freshness(fresh: list["Freshness"]) -> RenderableType:
    heads = ("source", "app", "table", "units", "rows", "quarantined", "loaded until", "lag")
    rows = [
        (
            item.source,
            item.application_id,
            item.table_name,
            item.units,
            item.rows,
            item.quarantined_rows,
            item.loaded_until_at,
            show_span(round(item.lag_s)),
        )
        for item in fresh
    ]
    return make_table("Freshness (UTC)", heads, rows, right=("units", "rows", "quarantined", "lag"))


def _show_facts(facts: list["JournalFacts"]) -> list[RenderableType]:
    shown: list[RenderableType] = []
    for item in facts:
        per_day = f" of {item.requests_per_day:,}" if item.requests_per_day else ""
        expiry = f", the first expires {show_moment(item.next_expiry_at)}"
        shown.append(
            f"{item.source}: {sum(item.requests.values()):,}{per_day} requests used today (UTC);"
            f" {item.expected:,} units expected{expiry if item.next_expiry_at else ''};"
            f" {item.files:,} files waiting ({show_bytes(item.file_bytes)})"
        )
        shown += [
            f"{item.source}: failed {failure.times}x, last {show_moment(failure.failed_at)}:"
            f" {failure.unit}: {failure.reason}"
            for failure in item.failures[:SHOWN_UNITS]
        ]
        if len(item.failures) > SHOWN_UNITS:
            shown.append(f"{item.source}: {len(item.failures):,} failures; --json names all")
    return shown


def _show_runs(last: list[dict[str, Any]]) -> RenderableType:
    heads = ("started", "command", "exit", "units", "rows", "took")
    rows = []
    for run in last:
        sources = run["summary"].get("sources", {}).values()
        rows.append(
            (
                datetime.fromisoformat(run["started_at"]),
                run["command"],
                run["exit_code"],
                sum(source["units_loaded"] for source in sources),
                sum(source["rows_loaded"] for source in sources),
                show_span(run["summary"].get("seconds", 0)),
            )
        )
    return make_table("Last runs (UTC)", heads, rows, right=("exit", "units", "rows", "took"))


def verify(session: Session, sources: Sources = None) -> int:
    """Reconcile every unit: declared = loaded + quarantined = rows counted; exit 6 if it is not."""
    from connector.warehouse.overview import verify as reconcile
    from connector.warehouse.store import open_warehouse

    names = check_sources(sources)
    with closing(open_warehouse(session.settings(), read_only=True)) as connection:
        checked = reconcile(connection, names)
    shown = [item.text for item in checked.differences]
    if not session.is_quiet or checked.differences:
        shown.append(checked.sentence)
    return session.answer(checked.to_json(), *shown, exit_code=checked.exit_code)
