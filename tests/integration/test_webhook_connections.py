"""Clients that send slowly, wrongly or not at all: cut off in time, while others are served."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connector.webhook.connections import Deadlines
from connector.webhook.receiver import Patience
from tests.unit.webhook.deliveries import (
    Vendor,
    encode,
    make_body,
    make_reception,
    read_ids,
    receiving,
    sign,
)

SHORT = Patience(head_s=0.3, body_s=0.3)
WAIT_S = 30.0
RAW = encode(make_body("exp_slow"))
HEAD = (
    b"POST /shortkit HTTP/1.1\r\nHost: x\r\n"
    + b"".join(f"{key}: {value}\r\n".encode() for key, value in sign(RAW).items())
    + f"Content-Length: {len(RAW)}\r\n\r\n".encode()
)


def play(story: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(story(), 60))


async def connect(vendor: Vendor) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(vendor.url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), WAIT_S)
    except ConnectionError:
        return b""


async def talk(vendor: Vendor, *pieces: bytes) -> bytes:
    """Send these pieces and nothing more; all that comes until the other side hangs up."""
    reader, writer = await connect(vendor)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await read_to_end(reader)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ((), b""),
        ((HEAD[:10],), b""),
        ((HEAD[:-2],), b""),
        ((HEAD,), b"HTTP/1.1 408"),
        ((HEAD, RAW[:-1]), b"HTTP/1.1 408"),
        ((HEAD + RAW,), b"HTTP/1.1 200"),
        ((HEAD + RAW, HEAD[:10]), b"HTTP/1.1 200"),
    ],
)
def test_who_does_not_finish_is_cut_off(
    pieces: tuple[bytes, ...], answer: bytes, tmp_path: Path
) -> None:
    async def story() -> None:
        async with receiving(tmp_path, patience=SHORT) as vendor:
            found = await talk(vendor, *pieces)
            assert found.startswith(answer)
            assert bool(found) == bool(answer)

    play(story)


def test_a_head_that_drips_is_cut_off_however_long_it_goes_on(tmp_path: Path) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        number = 0
        while not writer.is_closing():
            writer.write(f"X-Drip-{number}: 1\r\n".encode())
            await writer.drain()
            await asyncio.to_thread(threading.Event().wait, 0.02)
            number += 1

    async def story() -> bytes:
        async with receiving(tmp_path, patience=SHORT) as vendor:
            reader, writer = await connect(vendor)
            writer.write(b"POST /shortkit HTTP/1.1\r\nHost: x\r\n")
            dripping = asyncio.create_task(drip(writer))
            answer = await read_to_end(reader)
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)
            writer.close()
            return answer

    assert play(story) == b""


def test_slow_clients_do_not_hold_up_others(tmp_path: Path) -> None:
    async def story() -> list[int]:
        async with receiving(tmp_path, patience=SHORT) as vendor:
            slow = asyncio.gather(*(talk(vendor, HEAD[: 20 + n]) for n in range(50)))
            good = [await vendor.send(make_body(f"exp_{number}")) for number in range(20)]
            assert set(await slow) == {b""}
            return good

    assert play(story) == [200] * 20
    assert len(read_ids(tmp_path)) == 20


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /shortkit HTTP/9.9\r\n\r\n",
        b"POST /shortkit HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /shortkit HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /shortkit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /shortkit HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(sent: bytes, tmp_path: Path) -> None:
    async def story() -> bytes:
        async with receiving(tmp_path, patience=SHORT) as vendor:
            answer = await talk(vendor, sent)
            assert await vendor.send(make_body("exp_good")) == 200
            return answer

    assert play(story)[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.0 400"}
    assert read_ids(tmp_path) == ["exp_good"]


def test_a_client_that_leaves_in_the_middle_of_a_body(tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path) as vendor:
            _, writer = await connect(vendor)
            writer.write(HEAD + RAW[:20])
            await writer.drain()
            writer.transport.abort()
            assert await vendor.send(make_body("exp_good")) == 200

    play(story)
    assert read_ids(tmp_path) == ["exp_good"]


def test_requests_one_after_the_other_on_one_connection(tmp_path: Path) -> None:
    async def story() -> bytes:
        async with receiving(tmp_path, make_reception(), patience=SHORT) as vendor:
            return await talk(vendor, (HEAD + RAW) * 3)

    assert play(story).count(b"HTTP/1.1 200") == 3
    assert read_ids(tmp_path) == ["exp_slow"]


def test_more_connections_than_the_bound_are_not_let_in() -> None:
    async def story() -> None:
        entered: asyncio.Queue[str] = asyncio.Queue()
        left = asyncio.Event()

        class Told(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: ARG002
                entered.put_nowait("entered")

            def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
                left.set()

        deadlines = Deadlines(head_s=WAIT_S, most_open=2)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(deadlines.guard(Told), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await read_to_end(pairs[2][0]) == b""
        assert entered.qsize() == 2
        pairs[0][1].transport.abort()
        await left.wait()
        pairs.append(await asyncio.open_connection("127.0.0.1", port))
        for _ in range(3):
            await entered.get()
        for _, writer in pairs:
            writer.transport.abort()
        server.close()

    play(story)
