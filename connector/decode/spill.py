"""Typed rows of one unit, held until the unit is known to be right: in memory while they are
small, in Parquet files beyond that, so that memory does not grow with the size of a unit.

The files are loaded as they are, so their row groups have the length that loads fastest.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEMORY_BYTES = 48 << 20
TABLE_BYTES = 128 << 20
TABLE_ROWS = 122_880  # DuckDB's row group: tables of just this length load about twice as fast


class Gatherer:
    """Batches -> tables of 122,880 rows; fewer where the columns change, and at the end."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        """Take a batch; gives the tables that are full now."""
        if self._batches and self._batches[0].schema != batch.schema:
            yield from self.flush()
        while self._rows + batch.num_rows >= TABLE_ROWS:
            cut = TABLE_ROWS - self._rows
            self._batches.append(batch.slice(0, cut))
            yield from self.flush()
            batch = batch.slice(cut)
        self._batches.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._bytes >= TABLE_BYTES:
            yield from self.flush()

    def flush(self) -> Iterator[pa.Table]:
        """The table of what is left."""
        batches = self._batches
        self._batches, self._rows, self._bytes = [], 0, 0
        if any(batch.num_rows for batch in batches):
            yield pa.Table.from_batches(batches)


@dataclass(frozen=True, slots=True)
class SpilledFile:
    """A Parquet file of one schema."""

    path: Path
    rows: int
    schema: pa.Schema


class Spill:
    """Record batches in order; files beside `path` are written only when they outgrow memory.

    Batches may differ in their columns; each change starts a new file. Writing is done by a
    thread, so that reading goes on meanwhile. Close it when its rows were taken.
    """

    def __init__(self, path: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self._path = path
        self._memory_bytes = memory_bytes
        self._bytes = 0
        self._gatherer = Gatherer()
        self._writer: pq.ParquetWriter | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None
        self.held: list[pa.RecordBatch] = []
        self.files: list[SpilledFile] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        self.rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._bytes <= self._memory_bytes:
            self.held.append(batch)
            return
        held, self.held = self.held, []
        for item in (*held, batch):
            for table in self._gatherer.add(item):
                self._write_later(table)

    def finish(self) -> None:
        """Everything was added: complete the files."""
        for table in self._gatherer.flush():
            self._write_later(table)
        self._wait()
        self._close_file()

    def _write_later(self, table: pa.Table) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="spill")
        self._wait()
        self._pending = self._threads.submit(self._write, table)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _write(self, table: pa.Table) -> None:
        if self._writer is None or self.files[-1].schema != table.schema:
            self._close_file()
            path = self._path.with_suffix(f".{len(self.files)}.parquet")
            path.touch(mode=0o600)
            self._writer = pq.ParquetWriter(
                path, table.schema, compression="none", write_statistics=False
            )
            self.files.append(SpilledFile(path, 0, table.schema))
        self._writer.write_table(table, row_group_size=TABLE_ROWS)
        last = self.files[-1]
        self.files[-1] = SpilledFile(last.path, last.rows + table.num_rows, last.schema)

    def _close_file(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """What was added, in order; files are read back."""
        yield from self.held
        for file in self.files:
            with pq.ParquetFile(file.path) as reader:
                yield from reader.iter_batches(TABLE_ROWS)

    def close(self) -> None:
        """Drop what is held and delete the files."""
        self.held = []
        if self._threads is not None:
            self._threads.shutdown()
            self._close_file()
        for file in self.files:
            file.path.unlink(missing_ok=True)
