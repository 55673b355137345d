"""Unpacked bytes of a spooled file, gzip or not, in blocks or in lines.

Lines end at 0x0A only: U+2028, U+0085 and a lone carriage return are data.
"""

import io
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from isal import igzip, igzip_threaded, isal_zlib

BLOCK_BYTES = 4 << 20
SMALL_BYTES = 64 << 10
BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"

UnpackError = (OSError, EOFError, cast("type[Exception]", isal_zlib.IsalError))
"""What reading a broken or short file raises."""


def list_parts(path: Path) -> list[Path]:
    """The files of a unit in order: the file itself, or the files of its folder by name."""
    return sorted(entry for entry in path.iterdir() if entry.is_file()) if path.is_dir() else [path]


def open_unpacked(path: Path) -> BinaryIO:
    """The file's unpacked bytes; a large gzip file is unpacked by a thread of its own."""
    status = path.stat()
    if status.st_size <= SMALL_BYTES:
        data = _read_small(path, status.st_mtime_ns)
        return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", io.BytesIO(data))))
    with path.open("rb") as file:
        is_gzip = file.read(2) == GZIP_MAGIC
    if is_gzip:
        return cast("BinaryIO", igzip_threaded.open(path, "rb", threads=1))  # type: ignore[no-untyped-call]
    return path.open("rb", BLOCK_BYTES)


@lru_cache(maxsize=1)
def _read_small(path: Path, _mtime_ns: int) -> bytes:
    """A small file whole: it is opened several times in a row, for its kind, its header and its
    records.
    """
    data = path.read_bytes()
    if data[:2] != GZIP_MAGIC:
        return data
    return bytes(igzip.decompress(data))  # type: ignore[no-untyped-call]


def skip_bom(stream: BinaryIO) -> int:
    """Pass over a byte order mark at the stream's start; how many bytes that were."""
    head = cast("io.BufferedReader", stream).peek(len(BOM))[: len(BOM)]
    return len(stream.read(len(BOM))) if head == BOM else 0


def skip_bytes(stream: BinaryIO, count: int) -> None:
    """Pass over `count` bytes, in the memory of a block."""
    while count and (block := stream.read(min(count, BLOCK_BYTES))):
        count -= len(block)


def read_opening(path: Path) -> bytes:
    """The file's first byte that is no white space; empty where there is none."""
    with open_unpacked(path) as stream:
        skip_bom(stream)
        while block := stream.read(64):
            if text := block.lstrip():
                return text[:1]
    return b""
