"""Unpacked bytes of a spooled file, gzip or not."""

import gzip
import io
import zlib
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

BLOCK_BYTES = 4 << 20
SMALL_BYTES = 64 << 10
BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"


def open_native(path: Path) -> pa.NativeFile:
    """The file's unpacked bytes as an Arrow stream, which unpacks without holding the GIL."""
    status = path.stat()
    if status.st_size <= SMALL_BYTES:
        return pa.BufferReader(_read_small(path, status.st_mtime_ns))
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP_MAGIC
    raw = pa.OSFile(str(path))
    return pa.CompressedInputStream(raw, "gzip") if is_gzip else raw


@lru_cache(maxsize=1)
def _read_small(path: Path, _mtime_ns: int) -> bytes:
    """A small file whole: it is opened up to three times in a row, for its kind, its header and
    its records. Raises OSError when its gzip stream is broken.
    """
    data = path.read_bytes()
    if data[:2] != _GZIP_MAGIC:
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error) as error:
        raise OSError(f"the gzip stream is broken: {error}") from error


def open_unpacked(path: Path) -> BinaryIO:
    """The file's unpacked bytes as a buffered stream; its lines end at 0x0A only, so U+2028,
    U+0085 and a lone carriage return are data.
    """
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", open_native(path)), 1 << 20))


def skip_bom(stream: BinaryIO) -> int:
    """Pass over a byte order mark at the stream's start; how many bytes that were."""
    head = cast("io.BufferedReader", stream).peek(len(BOM))[: len(BOM)]
    return len(stream.read(len(BOM))) if head == BOM else 0
