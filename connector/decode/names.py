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
        _check_asked(part.names, unit)
    return part.names


def check_names(names: tuple[str, ...], unit: Unit, table: Table) -> None:
    """Raise DownloadError when none of `names` is a field: an error text is no data."""
    known = table.by_name.keys() | set(unit.field_names)
    if not known & set(names):
        raise DownloadError(
            f"unit {unit.id}: none of the columns {list(names)[:5]} is a field of"
            f" {table.name}: what came is not its file"
        )


def _check_asked(names: tuple[str, ...], unit: Unit) -> None:
    """Raise DownloadError when most names were not asked for: a record is no header, even where one
    of its cells is the name of a field. Columns that are missing are no reason: they become NULL.
    """
    strange = [name for name in names if name not in unit.field_names]
    if unit.field_names and 2 * len(strange) > len(names):
        raise DownloadError(
            f"unit {unit.id}: {len(strange)} of the columns {list(names)[:5]}... were not asked for:"
            " the file has no header, or is another one"
        )
