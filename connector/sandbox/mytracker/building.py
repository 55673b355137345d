"""What a finished export is: its parts, each a gzip file of CSV with the header."""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from connector.sandbox.appmetrica_stream.content import (
    CELL_FAULTS,
    Content,
    apply_cell_faults,
    apply_shape,
    change_fields,
)
from connector.sandbox.appmetrica_stream.exports import Schema
from connector.sandbox.appmetrica_stream.files import encode_file
from connector.sandbox.faults import Fault
from connector.sandbox.mytracker.asks import Ask
from connector.sandbox.mytracker.dictionary import SOURCE, table_name
from connector.sandbox.mytracker.spoiling import pack_part, spoil_content
from connector.sandbox.scenario import FileShape


@dataclass(frozen=True, slots=True)
class Part:
    """The gzip bytes of one part, or a file on disk that is sent as it is."""

    body: bytes = b""
    path: Path | None = None


@dataclass(slots=True)
class Build:
    """The parts of one export. Bytes are made by `make` when first asked for, and then kept."""

    names: tuple[str, ...]
    rows: int
    make: Callable[[int], Part]
    downloads: int = 0
    _parts: dict[int, Part] = field(default_factory=dict)

    def part(self, number: int) -> Part:
        """One part by its number."""
        known = self._parts.get(number)
        if known is None:
            known = self._parts[number] = self.make(number)
        return known


class Cutter:
    """Cuts the content of an export into parts; the content is kept until all were made."""

    def __init__(
        self, make: Callable[[], Content], parts: int, rows_per_part: int, faults: Sequence[Fault]
    ) -> None:
        self._make = make
        self._rows_per_part = rows_per_part
        self._faults = faults
        self._waiting = set(range(parts))
        self._content: Content | None = None

    def cut(self, number: int) -> Part:
        """The bytes of one part, with the header of all."""
        content = self._content = self._content or self._make()
        self._waiting.discard(number)
        if not self._waiting:
            self._content = None  # the bytes are enough from now on
        size = self._rows_per_part
        low, high = number * size, (number + 1) * size
        broken = {n - low: how for n, how in content.broken.items() if low <= n < high}
        body = encode_file(content.rows[low:high], content.schema, content.shape, broken)
        return Part(pack_part(body, number, self._faults))


def name_parts(export_id: str, event: str, count: int) -> tuple[str, ...]:
    """The names of the parts of an export: id, event, 32 hexadecimal digits, number from 0."""
    digits = hashlib.blake2b(f"{export_id}.{event}".encode(), digest_size=16).hexdigest()
    return tuple(f"{export_id}.{event}.{digits}.{n}.csv.gz" for n in range(count))


def make_content(
    ask: Ask, rows: Sequence[Sequence[str]], faults: Sequence[Fault], shape: FileShape
) -> Content:
    """The whole export before it is cut into parts; rows are in the order of the selectors."""
    names = list(ask.selectors)
    unknown: set[str] = set()
    for fault in faults:
        if fault.kind == "file_shape":
            shape = apply_shape(shape, fault)
        if fault.kind == "schema_change":
            names = change_fields(names, fault.params)
            unknown.update(fault.params["unknown"])
    own = list(map(list, rows))
    if names != list(ask.selectors):
        places = {name: n for n, name in enumerate(ask.selectors)}
        own = [
            [
                f"{name}-{n}" if name in unknown else row[places[name]] if name in places else ""
                for name in names
            ]
            for n, row in enumerate(own)
        ]
    schema = Schema(0, table_name(ask.event), "csv", tuple(names), SOURCE)
    content = Content(schema, replace(shape, json_layout="lines"), own)
    spoil_content(content, faults)
    apply_cell_faults(content, [f for f in faults if f.kind in CELL_FAULTS])
    return content


def pack_made(body: bytes) -> bytes:
    """Bytes made up by a test, packed unless they are a gzip file already."""
    return body if body[:2] == b"\x1f\x8b" else gzip.compress(body, 1, mtime=0)
