"""`connector model`: the SQL models."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from connector.cli.load import note_model, show_models
from connector.cli.session import Session
from connector.cli.tables import make_table, show_span
from connector.cli.verb import verb

if TYPE_CHECKING:
    from connector.warehouse.runner import ModelReport


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "model")(model)


def model(
    session: Session,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[+]",
            help="Only this model; with + also those that read it. May be repeated.",
            show_default=False,
        ),
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild from nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Prove that incremental = full rebuild; exit 6 if it is not."),
    ] = False,
) -> int:
    """Build the models whose input changed, with their audits; exit 5 or 6 when one fails."""
    from connector.warehouse.runner import run_models
    from connector.warehouse.store import open_warehouse

    settings = session.settings()
    open_warehouse(settings, read_only=True).close()  # ConfigError where there is none yet
    with closing(open_warehouse(settings)) as connection:
        report = run_models(
            connection,
            select=select or (),
            full_refresh=full_refresh,
            check=check,
            progress=note_model(session),
            seeds=settings.seeds,
        )
    shown = [] if session.is_quiet and not report.exit_code else _show(report)
    if check and not report.exit_code and shown:
        shown.append("checked: every stored model equals a full rebuild, row by row")
    return session.answer(report.to_json(), *shown, exit_code=report.exit_code)


def _show(report: "ModelReport") -> list[RenderableType]:
    heads = ("model", "kind", "status", "rows", "took")
    rows = [
        (result.name, result.kind, result.status, result.rows, show_span(round(result.seconds, 2)))
        for result in report.models
        if result.status != "skipped" or result.error
    ]
    table = [make_table("Models", heads, rows, right=("rows", "took"))] if rows else []
    return [*table, *show_models(report)]
