"""Whether the columns of a file are those of the unit and the table it should hold."""

from connector.decode.parts import Part, compare_names
from connector.errors import DownloadError
from connector.fields import Table
from connector.units import Unit


def check_header(part: Part, unit: Unit, table: Table) -> tuple[str, ...]:
    """The names of the part's CSV header; none for JSON and for an empty file.

    Raises DownloadError when it is not the header that was asked for, or none at all.
    """
    if part.format == "json":
        return ()
    asked = unit.field_names if part.options.exact_header else ()
    if asked and (difference := compare_names(asked, part.names)):
        raise DownloadError(f"unit {unit.id}: the header is not the one asked for: {difference}")
    if part.header is not None:
        check_names(part.names, unit, table)
        if part.options.guards_header:
            _check_header_names(part.names, unit, table)
    return part.names


def check_names(names: tuple[str, ...], unit: Unit, table: Table) -> None:
    """Raise DownloadError when none of `names` is a field: an error text is no data."""
    if len(_list_strange(names, unit, table)) == len(names):
        raise DownloadError(
            f"unit {unit.id}: none of the columns {list(names)[:5]} is a field of"
            f" {table.name}: what came is not its file"
        )


def _check_header_names(names: tuple[str, ...], unit: Unit, table: Table) -> None:
    """Raise DownloadError when most names are no fields and most that were asked for are missing: a
    record is no header, even where one of its cells is the name of a field. Either alone is no
    reason: what is unknown is loaded as text, what is missing becomes NULL.
    """
    strange, asked = _list_strange(names, unit, table), set(unit.field_names)
    if 2 * len(strange) > len(names) and 2 * len(asked - set(names)) > len(asked):
        raise DownloadError(
            f"unit {unit.id}: {len(strange)} of the columns {list(names)[:5]} are no fields of"
            f" {table.name}: the file has no header, or is another one"
        )


def _list_strange(names: tuple[str, ...], unit: Unit, table: Table) -> list[str]:
    known = table.by_name.keys() | set(unit.field_names)
    return [name for name in names if name not in known]
