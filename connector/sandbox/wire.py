"""Bodies on the wire: whole, compressed, and spoiled the ways the answer faults ask for.

Faults of one request are carried out together; `gzip_*` only where the client accepts gzip.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

from connector.sandbox.faults import Fault

_CHUNK = 1 << 18
_IN_LOOP_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class Payload:
    """What is to be sent: bytes, or a file on disk that is served as it is.

    `is_stored`: it is a gzip file itself, sent as such and never with a Content-Encoding but that
    of `headers`. `start` is the first byte of the file to send. The body goes out `copies` times
    over, after `head`.
    """

    content_type: str
    body: bytes = b""
    path: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_stored: bool = False
    status: int = 200
    start: int = 0
    head: bytes = b""
    copies: int = 1

    def all_headers(self) -> dict[str, str]:
        """The headers the answer begins with."""
        return {hdrs.CONTENT_TYPE: self.content_type, **self.headers}


async def send_payload(
    request: web.Request, payload: Payload, faults: Sequence[Fault], on_sent: Callable[[], None]
) -> web.StreamResponse:
    """Answer with the payload; `on_sent` is called just before its last byte goes out.

    So whoever has the whole answer finds it counted; of answers that broke off before it is not.
    """
    kinds = {fault.kind: fault for fault in faults}
    await wait_slow(faults)
    accepts = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()
    is_packed = accepts and "no_gzip" not in kinds and not payload.is_stored
    spoiling = kinds.keys() & {"cut", "gzip_no_trailer", "gzip_wrong_length", "stall", "slow"}
    if payload.path is not None and not spoiling:
        return await _send_file(request, payload, on_sent, is_packed=is_packed)
    if payload.copies > 1 and not spoiling:
        return await _send_copies(request, payload, on_sent)
    body = payload.head + payload.body * payload.copies
    if payload.path is not None:
        read = payload.path.read_bytes if payload.is_stored else partial(_read_plain, payload.path)
        body = (await asyncio.to_thread(read))[payload.start :]
    wire = await _compress(body) if is_packed else body
    response = web.StreamResponse(status=payload.status, headers=payload.all_headers())
    if is_packed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    if spoiling:
        spoiled = _spoil(wire, body, kinds, is_gzip=is_packed or payload.is_stored)
        return await _send_spoiled(request, response, spoiled, kinds, on_sent)
    response.content_length = len(wire)
    body_out = _Outgoing(response, on_sent)
    await body_out.begin(request)
    await body_out.write(wire)
    await body_out.finish()
    await response.write_eof()
    return response


class _Outgoing:
    """The body of one answer on its way: the last byte waits until `on_sent` was called."""

    def __init__(self, response: web.StreamResponse, on_sent: Callable[[], None]) -> None:
        self._response = response
        self._on_sent = on_sent
        self._held = b""

    async def begin(self, request: web.Request) -> None:
        """Send the headers, which are the last of an answer that is declared to be empty."""
        if self._response.content_length == 0:
            self._on_sent()
        await self._response.prepare(request)

    async def write(self, chunk: bytes) -> None:
        """Send what is certainly not the end."""
        if chunk:
            await self._response.write(self._held + chunk[:-1])
            self._held = chunk[-1:]

    async def finish(self) -> None:
        """Send the last byte, if there is one."""
        if self._response.content_length != 0:
            self._on_sent()
        if self._held:
            await self._response.write(self._held)


async def wait_slow(faults: Sequence[Fault]) -> None:
    """Let `slow` faults hold the answer back, in real seconds."""
    for fault in faults:
        if fault.kind == "slow":
            await asyncio.sleep(float(fault.params["seconds"]))


@dataclass(frozen=True, slots=True)
class _Spoiled:
    """Bytes to send, the length to declare (None: chunked), whether to hang up after them."""

    wire: bytes
    length: int | None
    hangs_up: bool


def _spoil(wire: bytes, body: bytes, kinds: dict[str, Fault], *, is_gzip: bool) -> _Spoiled:
    plain_bytes = len(body)
    if is_gzip and wire is body:
        plain_bytes = int.from_bytes(wire[-4:], "little")
    if is_gzip and "gzip_no_trailer" in kinds:
        wire = wire[:-8]
    length: int | None = len(wire)
    hangs_up = False
    if is_gzip and (fault := kinds.get("gzip_wrong_length")):
        off_by = int(fault.params["off_by"])
        length = len(wire) + off_by if off_by else plain_bytes
        hangs_up = True
    if fault := kinds.get("cut"):
        wire = wire[: int(fault.params["at_bytes"])]
        framing = fault.params["framing"]
        length = {"chunked": None, "clean": len(wire)}.get(framing, length)
        hangs_up = framing != "clean"
    return _Spoiled(wire, length, hangs_up)


async def _send_spoiled(
    request: web.Request,
    response: web.StreamResponse,
    spoiled: _Spoiled,
    kinds: dict[str, Fault],
    on_sent: Callable[[], None],
) -> web.StreamResponse:
    if spoiled.length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = spoiled.length
    if spoiled.hangs_up:
        response.force_close()
    body_out = _Outgoing(response, on_sent)
    await body_out.begin(request)
    async for chunk in _pace(spoiled.wire, kinds):
        await body_out.write(chunk)
    await body_out.finish()
    if spoiled.hangs_up and request.transport is not None:
        request.transport.close()
    else:
        await response.write_eof()
    return response


async def _pace(wire: bytes, kinds: dict[str, Fault]) -> AsyncIterator[bytes]:
    """The bytes in pieces, with the pauses of `stall` and `slow`."""
    rest = wire
    if fault := kinds.get("stall"):
        at = int(fault.params["at_bytes"])
        if at:
            yield rest[:at]
        rest = rest[at:]
        await asyncio.sleep(float(fault.params["seconds"]))
    speed = int(kinds["slow"].params["bytes_per_second"]) if "slow" in kinds else 0
    step = max(1, speed // 10) if speed else _CHUNK
    for start in range(0, len(rest), step):
        yield rest[start : start + step]
        if speed:
            await asyncio.sleep(0.1)


async def _send_file(
    request: web.Request, payload: Payload, on_sent: Callable[[], None], *, is_packed: bool
) -> web.StreamResponse:
    """Straight from disk; a `.gz` goes out as it is, or unpacked for clients without gzip."""
    path = payload.path
    assert path is not None
    response = web.StreamResponse(status=payload.status, headers=payload.all_headers())
    if path.suffix == ".gz" and is_packed:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    is_unpacking = path.suffix == ".gz" and not is_packed and not payload.is_stored
    if not is_unpacking:
        response.content_length = path.stat().st_size - payload.start
    body_out = _Outgoing(response, on_sent)
    await body_out.begin(request)
    with path.open("rb") as file:
        file.seek(payload.start)
        unpack = zlib.decompressobj(wbits=31)
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            await body_out.write(unpack.decompress(chunk) if is_unpacking else chunk)
    await body_out.finish()
    await response.write_eof()
    return response


async def _send_copies(
    request: web.Request, payload: Payload, on_sent: Callable[[], None]
) -> web.StreamResponse:
    """A body that is sent over and over, as it is, without ever being there as a whole."""
    response = web.StreamResponse(status=payload.status, headers=payload.all_headers())
    response.content_length = len(payload.head) + len(payload.body) * payload.copies
    body_out = _Outgoing(response, on_sent)
    await body_out.begin(request)
    await body_out.write(payload.head)
    for _ in range(payload.copies):
        await body_out.write(payload.body)
    await body_out.finish()
    await response.write_eof()
    return response


def _read_plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


async def _compress(body: bytes) -> bytes:
    if len(body) < _IN_LOOP_BYTES:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
