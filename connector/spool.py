"""Response -> verified file, atomically.

A file is streamed to `.part`, checked as it comes, synced, and renamed: what bears its final name
is whole. Transfer gzip is kept as it came (the decoder unpacks it), so a file on disk is as small
as it was on the wire.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

from isal import isal_zlib

from connector.errors import ConnectorError, DownloadError
from connector.http import Response, TransportError, redact_url, shorten
from connector.unpack import GZIP_MAGIC, list_parts, open_unpacked

HEAD_BYTES = 512
KEPT = "kept_"
_BrokenGzipError = cast("type[Exception]", isal_zlib.IsalError)
DISK_RESERVE_BYTES = 64 << 20
_TRAILER_BYTES = 8  # of a gzip stream: checksum and length of the text
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Spool:
    """The folder of verified files (0700); created when missing."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def new_path(self, unit_id: str) -> Path:
        """A path no other download uses, without its ending (`.gz` or `.txt`)."""
        name = sha256(unit_id.encode()).hexdigest()[:24]
        return self.folder / f"{name}-{uuid4().hex[:8]}"

    def check_room(self, needed_bytes: int) -> None:
        """Raise ConnectorError when the disk has no room for `needed_bytes` and a reserve."""
        free = shutil.disk_usage(self.folder).free
        if free < needed_bytes + DISK_RESERVE_BYTES:
            raise ConnectorError(
                f"the disk under {self.folder} has {free >> 20} MB left and the next file needs"
                f" {(needed_bytes + DISK_RESERVE_BYTES) >> 20} MB: free some space or set"
                " connector.home to another disk. Finished units are kept."
            )

    def store(
        self,
        unit_id: str,
        response: Response,
        *,
        may_be_empty: bool = False,
        trusts_encoding: bool = True,
    ) -> Path:
        """Write the body of an answered request to its verified file and return its path. Where the
        encoding is not to be trusted, its first bytes alone say whether it is gzip.

        Raises DownloadError when the body is not a whole file: cut off, a page, empty (unless it
        may be), a broken or short gzip stream.
        """
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise DownloadError(f"{_origin(response)}: unknown Content-Encoding {encoding!r}")
        chunks, opening = _peek(response)
        is_encoded = trusts_encoding and encoding.endswith("gzip")
        is_gzip = is_encoded or opening == GZIP_MAGIC
        final = self.new_path(unit_id).with_suffix(".gz" if is_gzip else ".txt")
        part = final.with_suffix(".part")
        try:
            part.touch(mode=0o600)
            with part.open("wb") as file:
                check = _GzipCheck() if is_gzip else _PlainCheck()
                _copy(response, chunks, check, file)
                check.finish(_origin(response))
                check_head(check.head, _origin(response), may_be_empty=may_be_empty)
                file.flush()
                os.fsync(file.fileno())
            part.replace(final)
        finally:
            part.unlink(missing_ok=True)
        return final

    def store_nothing(self, unit_id: str) -> Path:
        """An empty file, for a unit of which the vendor says that it has no rows and no file."""
        final = self.new_path(unit_id).with_suffix(".txt")
        final.touch(mode=0o600)
        return final

    def unpack_once(self, unit_id: str, path: Path) -> Path:
        """The verified file without its outer gzip, in place of itself; its own trailer is checked."""
        final = self.new_path(unit_id).with_suffix(".gz")
        part = final.with_suffix(".part")
        try:
            part.touch(mode=0o600)
            check = _GzipCheck()
            with open_unpacked(path) as packed, part.open("wb") as file:
                while block := packed.read(_BLOCK_BYTES):
                    check.feed(block)
                    file.write(block)
                check.finish(unit_id)
                file.flush()
                os.fsync(file.fileno())
            part.replace(final)
        finally:
            part.unlink(missing_ok=True)
            self.remove(path)
        return final

    def gather(self, unit_id: str, parts: Sequence[Path]) -> Path:
        """Make one folder of a unit's verified files, which become its parts in this order."""
        final = self.new_path(unit_id)
        making = final.with_suffix(".part")
        making.mkdir(mode=0o700)
        for number, part in enumerate(parts):
            part.replace(making / f"{number:04}{part.suffix}")
        making.replace(final)
        return final

    def remove(self, path: Path) -> None:
        """Delete a file, or a folder of parts; one that is gone is no error."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def keep(self, unit_id: str, path: Path) -> None:
        """Keep a loaded file, under its unit's name."""
        if path.exists():
            name = re.sub(r"[^\w.+-]", "_", unit_id)
            path.replace(path.with_name(f"{KEPT}{name}_{path.name}"))

    def remove_strangers(self, known: set[Path]) -> int:
        """Delete every file that is neither in `known` nor kept; how many there were."""
        strangers = [
            path
            for path in self.folder.iterdir()
            if path not in known and not path.name.startswith(KEPT)
        ]
        for path in strangers:
            self.remove(path)
        return len(strangers)


def read_head(path: Path, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a verified file, unpacked."""
    with open_unpacked(path) as stream:
        return stream.read(size)


def size_of(path: Path) -> int:
    """Bytes on disk of a file, or of all parts of a folder."""
    return sum(part.stat().st_size for part in list_parts(path))


def fingerprint(path: Path) -> str:
    """Tells the content of a verified file, or folder of parts, from another's: the checksum and
    length that a gzip stream ends with, else the same two of the text.
    """
    return "/".join(_fingerprint_part(part) for part in list_parts(path))


def _fingerprint_part(path: Path) -> str:
    with path.open("rb") as file:
        if path.suffix == ".gz":
            file.seek(-_TRAILER_BYTES, os.SEEK_END)
            return file.read().hex()
        checksum = length = 0
        while block := file.read(_BLOCK_BYTES):
            checksum, length = isal_zlib.crc32(block, checksum), length + len(block)
    return f"{checksum:08x}{length:x}"


class _PlainCheck:
    """Looks at the head of a body that came uncompressed."""

    def __init__(self) -> None:
        self.head = b""
        self.is_complete = False

    def feed(self, chunk: bytes) -> None:
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[:HEAD_BYTES]

    def finish(self, origin: str) -> None:
        """Raise DownloadError when the body cannot have ended here."""


class _GzipCheck(_PlainCheck):
    """Unpacks a gzip body as it comes: members, checksum and trailer must be right."""

    def __init__(self) -> None:
        super().__init__()
        self._inflate = isal_zlib.decompressobj(31)

    def feed(self, chunk: bytes) -> None:
        while chunk:
            if self._inflate.eof:
                self._inflate = isal_zlib.decompressobj(31)
            try:
                super().feed(self._inflate.decompress(chunk))
            except _BrokenGzipError as error:
                raise DownloadError(f"the gzip stream is broken: {error}") from None
            chunk = self._inflate.unused_data
        self.is_complete = self._inflate.eof

    def finish(self, origin: str) -> None:
        if not self.is_complete:
            raise DownloadError(f"{origin}: the gzip stream ends before its trailer")


def _peek(response: Response) -> tuple[Iterator[bytes], bytes]:
    """The body as it comes, and its first two bytes: a `.gz` file is no encoding of the transfer."""
    chunks, head = response.iter_raw(), b""
    try:
        while len(head) < len(GZIP_MAGIC) and (chunk := next(chunks, b"")):
            head += chunk
    except TransportError as error:
        raise _cut_off(response, error) from error
    return chain([head], chunks), head[: len(GZIP_MAGIC)]


def _copy(response: Response, chunks: Iterable[bytes], check: _PlainCheck, file: BinaryIO) -> None:
    """Write the raw body to `file`, checked. A gzip stream that is whole by its own trailer is
    taken although the transfer's framing was wrong (Content-Length of the unpacked text).
    """
    try:
        for chunk in chunks:
            check.feed(chunk)
            file.write(chunk)
    except TransportError as error:
        if not check.is_complete:
            raise _cut_off(response, error) from error


def _cut_off(response: Response, error: TransportError) -> DownloadError:
    return DownloadError(
        f"{_origin(response)}: the body was cut off: {type(error).__name__}: {error}"
    )


def check_head(head: bytes, origin: str, *, may_be_empty: bool = False) -> None:
    """Raise DownloadError when the first bytes of a body cannot be a data file's."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text and not may_be_empty:
        raise DownloadError(f"{origin}: the body is empty where a file is due")
    if text[:1] == b"<":
        said = shorten(text.decode("utf-8", "replace"))[:120]
        raise DownloadError(f"{origin}: a page came where a file is due: {said}")


def _origin(response: Response) -> str:
    return redact_url(response.url)
