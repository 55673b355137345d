"""The verified file or files of a unit, and its field table -> typed Arrow batches, rejects, and
what was counted.
"""

from contextlib import suppress
from pathlib import Path

from connector.decode.day_rows import DayRows, Tally
from connector.decode.decoded import Decoded
from connector.decode.decoder import Decoder, stamped_schema
from connector.decode.erased import NOBODY, Erased
from connector.decode.nested import Kind, Nested
from connector.decode.parts import Options, Part, first_with_names, open_parts
from connector.decode.quarantine import QUARANTINE_SCHEMA, Package
from connector.errors import ConnectorError, DownloadError
from connector.fields import Table
from connector.units import Unit
from connector.unpack import UnpackError

__all__ = [
    "NOBODY",
    "QUARANTINE_SCHEMA",
    "DayRows",
    "Decoded",
    "Erased",
    "Kind",
    "Nested",
    "Options",
    "Package",
    "Tally",
    "decode_file",
    "read_names",
    "remove_spills",
    "stamped_schema",
]


def decode_file(
    path: Path, unit: Unit, table: Table, options: Options, package: Package
) -> Decoded:
    """Read the whole file of `unit`, or the parts in its folder as one file.

    Raises DownloadError when it is no data file of this table or is not whole, and ConnectorError
    when the disk is full.
    """
    parts = _open_parts(path, options)
    spill = package.spill_folder / path.stem
    decoder = Decoder(parts, spill, unit, table, package)
    try:
        decoder.run()
    except BaseException as error:
        decoder.decoded.close()
        if not isinstance(error, UnpackError):
            raise
        if "No space left" in str(error):
            raise ConnectorError(
                f"the disk is full: {package.spill_folder} has no room for the rows of {unit.id}."
                " Free some space and run again; nothing is lost."
            ) from error
        raise DownloadError(f"unit {unit.id}: its file cannot be unpacked: {error}") from error
    return decoder.decoded


def read_names(path: Path) -> tuple[str, ...]:
    """The column names of a CSV unit, by its first part that has any; none where it is JSON or empty.

    Raises DownloadError.
    """
    return first_with_names(_open_parts(path, Options())).names


def _open_parts(path: Path, options: Options) -> list[Part]:
    try:
        return open_parts(path, options)
    except UnpackError as error:
        raise DownloadError(f"{path.name} cannot be unpacked: {error}") from error


def remove_spills(folder: Path) -> None:
    """Delete what a killed process left of its spilled tables."""
    for path in folder.glob("*.parquet"):
        with suppress(FileNotFoundError):
            path.unlink()
