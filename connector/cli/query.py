"""`connector query`: ask the warehouse in SQL, read-only, in UTC."""

import csv
import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any

import typer

from connector.cli.session import Session, print_whole, to_plain
from connector.cli.tables import make_table
from connector.cli.verb import verb

SHOWN_ROWS = 500


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    verb(app, "query")(query)


def query(
    session: Session,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A query in DuckDB's SQL.")],
    form: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
) -> int:
    """Ask the warehouse: read-only, in UTC. `connector query "SHOW ALL TABLES"` lists what is there.

    Decimals are printed as they are; in JSON they are texts, so that they stay exact.
    """
    from connector.warehouse.query import ask
    from connector.warehouse.store import open_warehouse

    session.is_json |= form is Format.JSON
    with closing(open_warehouse(session.settings(), read_only=True)) as connection:
        columns, rows = ask(connection, sql)
        names = _name_columns(columns)
        if session.is_json:
            return _answer_json(session, names, list(rows))
        if form is Format.CSV:
            return _print_csv(session, names, rows)
        return _print_table(session, names, rows)


def _name_columns(names: Sequence[str]) -> list[str]:
    """The names, each once: a second `id` becomes `id_2`."""
    taken: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        taken.append(next(item for item in itertools.chain([name], numbered) if item not in taken))
    return taken


def _answer_json(session: Session, names: list[str], rows: list[tuple[Any, ...]]) -> int:
    objects = [dict(zip(names, map(_to_json, row), strict=True)) for row in rows]
    return session.answer({"columns": names, "rows": objects, "row_count": len(objects)})


def _to_json(value: Any) -> Any:
    """JSON has no NaN and no infinity, and keys are texts."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {str(key): _to_json(item) for key, item in value.items()}
        case list() | tuple():
            return [_to_json(item) for item in value]
        case _:
            return value


def _print_csv(session: Session, names: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    writer = csv.writer(session.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if value is None else _to_cell(value) for value in row])
    session.stdout.flush()
    return 0


def _to_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value if isinstance(value, str | int | float) else to_plain(value))


def _print_table(session: Session, names: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    shown = list(itertools.islice(rows, SHOWN_ROWS))
    more = sum(1 for _ in rows)
    numbers = [
        name
        for name, value in zip(names, shown[0] if shown else (), strict=False)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    plain = [[None if cell is None else _to_cell(cell) for cell in row] for row in shown]
    print_whole(session.console(), make_table("", names, plain, right=numbers))
    if more:
        session.note(f"{more:,} more rows; --format csv prints all")
    return 0
