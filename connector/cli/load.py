"""`connector run`, `sync` and `backfill`: what fills the warehouse."""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from connector.cli.options import (
    MaxBytes,
    MaxUnits,
    MaxWait,
    Since,
    Sources,
    Tables,
    Until,
    read_moment,
)
from connector.cli.progress import follow_sync
from connector.cli.session import Session
from connector.cli.tables import make_table, show_bytes, show_span
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.warehouse.overview import Verification
    from connector.warehouse.pipeline import SyncRequest
    from connector.warehouse.run_report import RunReport
    from connector.warehouse.runner import ModelReport, ModelResult
    from connector.warehouse.settings import Settings

SHOWN_ERRORS = 20


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    verb(app, "run")(run)
    verb(app, "sync")(sync)
    verb(app, "backfill")(backfill)


def run(
    session: Session,
    sources: Sources = None,
    max_wait: MaxWait = 3600,
) -> int:
    """Sync, model, audit and reconcile: what a scheduler calls.

    Ends with the code of the worst outcome; what could be finished is finished.
    """
    from connector.errors import worst_exit_code
    from connector.warehouse.pipeline import SyncRequest

    settings = session.settings()
    report = load(session, settings, sources or (), SyncRequest(max_wait_s=max_wait))
    values, codes, shown = report.to_json(), [report.exit_code], show_run(report)
    if settings.destination == "duckdb":
        models, checked = refine(session, settings)
        codes += [models.exit_code, checked.exit_code]
        values |= {"models": models.to_json()["models"], "verify": checked.to_json()}
        shown += show_models(models)
        shown.append(checked.sentence)
    exit_code = worst_exit_code(codes)
    return answer_run(session, values, shown, exit_code)


def sync(
    session: Session,
    *,
    sources: Sources = None,
    table: Tables = None,
    since: Since = None,
    until: Until = None,
    max_units: MaxUnits = None,
    max_bytes: MaxBytes = None,
    max_wait: MaxWait = 3600,
) -> int:
    """Extract and load what the vendors have and the warehouse has not; no models."""
    from connector.warehouse.pipeline import SyncRequest

    request = SyncRequest(
        tables=tuple(table or ()),
        since=read_moment(since, "--since"),
        until=read_moment(until, "--until"),
        max_units=max_units,
        max_bytes=max_bytes,
        max_wait_s=max_wait,
    )
    report = load(session, session.settings(), sources or (), request)
    return answer_run(session, report.to_json(), show_run(report), report.exit_code)


def backfill(
    session: Session,
    *,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source.")],
    since: Annotated[str, typer.Option(metavar="ISO", help="From this moment on.")],
    until: Annotated[str, typer.Option(metavar="ISO", help="Up to this moment, not included.")],
    table: Tables = None,
    max_wait: MaxWait = 3600,
) -> int:
    """Load a range of the past, again or for the first time; the live cursor stays where it is."""
    from connector.warehouse.pipeline import SyncRequest

    request = SyncRequest(
        tables=tuple(table or ()),
        since=read_moment(since, "--since"),
        until=read_moment(until, "--until"),
        max_wait_s=max_wait,
        is_backfill=True,
    )
    report = load(session, session.settings(), [source], request)
    return answer_run(session, report.to_json(), show_run(report), report.exit_code)


def load(
    session: Session, settings: "Settings", names: Sequence[str], request: "SyncRequest"
) -> "RunReport":
    """One sync with its progress shown."""
    from connector.warehouse import pipeline

    chosen = pipeline.select_sources(names)
    with follow_sync(session) as notify:
        return pipeline.sync(settings, chosen, request, progress=notify)


def refine(session: Session, settings: "Settings") -> tuple["ModelReport", "Verification"]:
    """Models with their audits, then the reconciliation of every unit."""
    from connector.warehouse.overview import verify
    from connector.warehouse.runner import run_models
    from connector.warehouse.store import open_warehouse

    with closing(open_warehouse(settings)) as connection:
        models = run_models(connection, progress=note_model(session), seeds=settings.seeds)
        return models, verify(connection)


def note_model(session: Session) -> Any:
    """What to call with each model that was built."""
    import structlog

    log = structlog.get_logger()

    def notify(result: "ModelResult") -> None:
        if result.status == "failed":
            log.error(result.error, model=result.name)
        elif result.status == "built" and result.rows is not None and not session.has_terminal:
            log.info("built", model=result.name, rows=result.rows, seconds=round(result.seconds, 2))

    return notify


def answer_run(
    session: Session, values: dict[str, Any], shown: Sequence[RenderableType], exit_code: int
) -> int:
    """The summary; with `--quiet` only that of a run with something to say."""
    if session.is_quiet and exit_code == 0 and not session.is_json:
        return exit_code
    return session.answer(values, *shown, exit_code=exit_code)


def show_run(report: "RunReport") -> list[RenderableType]:
    """What was loaded, a line a source, and what went wrong."""
    heads = ("source", "units", "failed", "pending", "rows", "quarantined", "size", "took")
    rows = [
        (
            name,
            one.units_loaded,
            one.units_failed,
            one.units_pending,
            one.rows_loaded,
            one.rows_quarantined,
            show_bytes(one.bytes),
            show_span(one.seconds),
        )
        for name, one in report.sources.items()
    ]
    shown: list[RenderableType] = [make_table("Loaded", heads, rows, right=heads[1:])]
    for name, one in report.sources.items():
        shown += [f"{name}: {error}" for error in one.errors[:SHOWN_ERRORS]]
        if more := len(one.errors) - SHOWN_ERRORS:
            shown += [f"{name}: and {more} more; `connector status` lists them"] if more > 0 else []
        for table, columns in one.drift.items():
            shown.append(
                f"{name}.{table}: columns the field table does not know, loaded as text:"
                f" {', '.join(columns)}"
            )
    return shown


def show_models(report: "ModelReport") -> list[RenderableType]:
    """One sentence on the models, and one on each that failed."""
    counts = {
        status: sum(result.status == status for result in report.models)
        for status in ("built", "skipped", "failed")
    }
    summary = (
        f"models: {counts['built']} built, {counts['skipped']} up to date or left out,"
        f" {counts['failed']} failed, in {show_span(round(report.seconds, 1))}"
    )
    return [summary, *(one.error for one in report.models if one.status == "failed")]
