"""The zip of an export: files written as their content comes, counted and hashed."""

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from connector.errors import ConnectorError

_BLOCK_BYTES = 1 << 20
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the zip; `rows` is None where it holds none of the warehouse's."""

    name: str
    rows: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip that is being written."""

    zip: zipfile.ZipFile
    entries: list[Entry] = field(default_factory=list)

    def add_rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """A file of JSON Lines; none where there are no rows."""
        lines = (_to_bytes(row) + b"\n" for row in rows)
        if (first := next(lines, None)) is not None:
            self._add(name, _chain(first, lines), counts=True)

    def add_file(self, name: str, path: Path) -> None:
        """A file as it is."""
        with path.open("rb") as file:
            self._add(name, iter(lambda: file.read(_BLOCK_BYTES), b""))

    def add_json(self, name: str, value: Mapping[str, Any]) -> None:
        """A file with one JSON object."""
        self._add(name, iter([_to_bytes(value, indent=2) + b"\n"]))

    def _add(self, name: str, blocks: Iterator[bytes], *, counts: bool = False) -> None:
        info = zipfile.ZipInfo(name)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, _PRIVATE << 16
        digest, size, number = sha256(), 0, 0
        with self.zip.open(info, "w", force_zip64=True) as stream:
            for block in blocks:
                stream.write(block)
                digest.update(block)
                size, number = size + len(block), number + 1
        self.entries.append(Entry(name, number if counts else None, size, digest.hexdigest()))


def _chain(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _to_bytes(value: Mapping[str, Any], indent: int | None = None) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "replace")


@contextmanager
def write_archive(path: Path) -> Iterator[Archive]:
    """A zip for its owner only, which gets its name when it is whole and on the disk."""
    part = path.with_name(path.name + ".part")
    try:
        handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, _PRIVATE)
    except OSError as error:
        raise ConnectorError(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
                yield Archive(opened)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
