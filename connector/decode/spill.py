"""Typed tables of one unit, held until the unit is known to be right: in memory while they are
small, in an Arrow file beyond that, so that memory does not grow with the size of a unit.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

MEMORY_BYTES = 48 << 20
TABLE_BYTES = 128 << 20
TABLE_ROWS = 122_880  # DuckDB's row group: tables of just this length load about twice as fast


class Spill:
    """Record batches in order; files beside `path` are written only when they outgrow memory.

    Batches may differ in their columns; each change starts a new file and a new table.
    """

    def __init__(self, path: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self._path = path
        self._memory_bytes = memory_bytes
        self._held: list[pa.RecordBatch] = []
        self._bytes = 0
        self._files: list[Path] = []
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._schema: pa.Schema | None = None
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        self.rows += batch.num_rows
        if not self._files and self._bytes + batch.nbytes <= self._memory_bytes:
            self._held.append(batch)
            self._bytes += batch.nbytes
            return
        for held in self._held:
            self._write(held)
        self._held = []
        self._write(batch)

    def _write(self, batch: pa.RecordBatch) -> None:
        if self._writer is None or self._schema != batch.schema:
            self._finish_file()
            path = self._path.with_suffix(f".{len(self._files)}.arrow")
            path.touch(mode=0o600)
            self._files.append(path)
            self._schema = batch.schema
            self._writer = pa.ipc.new_file(pa.OSFile(str(path), "wb"), batch.schema)
        self._writer.write_batch(batch)

    def _finish_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """What was added, in order."""
        yield from self._held
        self._finish_file()
        for path in self._files:
            with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
                for index in range(reader.num_record_batches):
                    yield reader.get_batch(index)

    def close(self) -> None:
        """Drop what is held."""
        self._held = []
        self._finish_file()
        for path in self._files:
            path.unlink(missing_ok=True)


def gather_tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches as tables of 122,880 rows, fewer where the columns change and at the end."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if gathered and gathered[0].schema != batch.schema:
            yield pa.Table.from_batches(gathered)
            gathered, rows, size = [], 0, 0
        rest = batch
        while rows + rest.num_rows >= TABLE_ROWS:
            cut = TABLE_ROWS - rows
            yield pa.Table.from_batches([*gathered, rest.slice(0, cut)])
            gathered, rows, size, rest = [], 0, 0, rest.slice(cut)
        gathered.append(rest)
        rows += rest.num_rows
        size += rest.nbytes
        if size >= TABLE_BYTES:
            yield pa.Table.from_batches(gathered)
            gathered, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(gathered)
