"""How numbers, times and tables look on a terminal."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rich import box
from rich.table import Table

KEPT_WIDTH = 24  # cells up to this are not broken on a narrow terminal
GAP = 2
BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def make_table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()
) -> Table:
    """A table; the columns named in `right` hold numbers."""
    shown = [[show(cell) for cell in row] for row in rows]
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for head in heads:
        table.add_column(head, justify="right" if head in right else "left", overflow="fold")
    for row in shown:
        table.add_row(*row)
    return table


def fit_table(table: Table, width: int) -> int:
    """Give every column its width; the width all of it takes, which may be more than `width`.

    Heads are broken first, then long texts, but no cell of up to 24 characters and no word of a
    head. (Left to itself, rich cuts what does not fit.)
    """
    kept, free = [], []
    for column in table.columns:
        head, cells = str(column.header), [len(str(cell)) for cell in column.cells]
        least = max([*map(len, head.split()), min(max(cells, default=0), KEPT_WIDTH), 1])
        kept.append(least)
        free.append(max([len(head), *cells]) - least)
    room = max(0, width - sum(kept) - GAP * len(kept))
    for column, least, more in zip(table.columns, kept, free, strict=True):
        given = min(more, room)
        room -= given
        column.width = least + given
    return sum(column.width or 0 for column in table.columns) + GAP * len(kept) + 1


def show(value: Any) -> str:
    """A value as a reader wants to see it."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case datetime():
            return show_moment(value)
        case timedelta():
            return show_span(value.total_seconds())
        case _:
            return str(value)


def show_moment(value: datetime | None) -> str:
    """A moment in UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value else "-"


def show_bytes(size: float) -> str:
    """A size with its unit: `48.2 kB`."""
    for unit in BYTE_UNITS[:-1]:
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {BYTE_UNITS[-1]}"


def show_span(seconds: float) -> str:
    """A length of time in its two largest units: `6 d 3 h`."""
    rest = round(abs(seconds))
    if rest < 60 and seconds == seconds // 1:
        return f"{rest} s"
    if rest < 60:
        return f"{seconds:.1f} s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return ("-" if seconds < 0 else "") + " ".join(parts[:2])
