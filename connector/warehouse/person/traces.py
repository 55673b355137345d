"""Bytes of a person's ids in files: the warehouse, its copy for readers, home with spool and dlt."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from connector.spool import Spool
from connector.unpack import GZIP_MAGIC, UnpackError, list_parts, open_unpacked
from connector.warehouse.person.ownership import quote_name, quote_text
from connector.warehouse.person.searching import Finding
from connector.warehouse.person.spellings import make_needles, to_pattern
from connector.warehouse.settings import Settings

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 4096
_PARQUET = b"PAR1"
_BESIDE = ("", ".wal", ".tmp", ".new")


@dataclass(slots=True)
class Traces:
    """What a search through files gave: where ids stand, and what could not be read."""

    findings: list[Finding] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def list_files(settings: Settings) -> list[Path]:
    """Every file the connector keeps: warehouse, copy for readers, home."""
    databases = [settings.warehouse, *([Path(settings.publish)] if settings.publish else [])]
    roots = [path.with_name(path.name + suffix) for path in databases for suffix in _BESIDE]
    found = {path.resolve() for root in (*roots, settings.home) for path in _walk(root)}
    return sorted(found)


def _walk(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from (path for path in root.rglob("*") if path.is_file())
    elif root.is_file():
        yield root


def search_files(paths: Iterable[Path], texts: Iterable[str]) -> Traces:
    """The files that hold one of the ids, gzip files unpacked."""
    wanted, traces = sorted(set(texts)), Traces()
    for path in paths:
        try:
            if holds(path, wanted):
                traces.findings.append(Finding("bytes", str(path), 1))
        except FileNotFoundError:
            continue  # somebody removed it meanwhile
        except (*UnpackError, duckdb.Error) as error:
            traces.unreadable.append(f"{path}: {error}")
    return traces


def holds(path: Path, texts: list[str]) -> bool:
    """True where the file holds one of the ids. Raises UnpackError or duckdb.Error where it cannot
    be read.
    """
    head = _read_head(path)
    if head[:4] == _PARQUET:
        return _holds_parquet(path, texts)
    needles = make_needles(texts, is_binary=b"\0" in head)
    return needles.find_in(_read_blocks(path, is_packed=head[:2] == GZIP_MAGIC)) or (
        head[:2] == GZIP_MAGIC and needles.find_in(_read_blocks(path, is_packed=False))
    )


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[:2] != GZIP_MAGIC:
        return head
    with open_unpacked(path) as file:
        return GZIP_MAGIC + file.read(_HEAD_BYTES)


def _read_blocks(path: Path, *, is_packed: bool) -> Iterator[bytes]:
    with open_unpacked(path) if is_packed else path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _holds_parquet(path: Path, texts: list[str]) -> bool:
    """Parquet is compressed: its rows are read."""
    if not texts:
        return False
    source = f"read_parquet({quote_text(str(path))})"
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '256MB'")
        names = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
        pattern = quote_text(to_pattern(texts))
        named = " OR ".join(
            f"regexp_matches(CAST({quote_name(name)} AS VARCHAR), {pattern})" for name in names
        )
        sql = f"SELECT 1 FROM {source} WHERE {named} LIMIT 1"
        return bool(names and connection.execute(sql).fetchall())


def find_spooled(spool: Spool, texts: list[str]) -> list[Path]:
    """Files of the spool, kept ones too, that hold one of the ids or cannot be read: a unit's file or
    folder of parts.
    """
    return [
        path
        for path in sorted(spool.folder.iterdir())
        if any(_may_hold(part, texts) for part in list_parts(path))
    ]


def _may_hold(path: Path, texts: list[str]) -> bool:
    try:
        return holds(path, texts)
    except (*UnpackError, duckdb.Error):
        return True
