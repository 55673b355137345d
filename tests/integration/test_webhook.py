"""The receiver over real sockets: each delivery once, and no bad one harms another."""

import asyncio
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from connector.inbox import Delivery, Inbox
from connector.webhook.receiver import MOST_BODY, Patience
from connector.webhook.service import BUSY_S
from tests.unit.webhook.deliveries import (
    LINK,
    NOW,
    OLD_SECRET,
    SECRET,
    Vendor,
    encode,
    make_body,
    make_delivery,
    make_reception,
    read_ids,
    receiving,
    sign,
)

STALE = str(int(NOW.timestamp()) - 301)
GOOD = "exp_good"


def play(story: Callable[[], Awaitable[Any]]) -> Any:
    """Run a story to its end."""
    return asyncio.run(asyncio.wait_for(story(), 60))


@pytest.mark.parametrize("recipe", ["A", "B", "C", "D"])
def test_a_delivery_is_recorded_before_it_is_answered(recipe: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path, make_reception(recipe)) as vendor:
            assert await vendor.send(make_body(GOOD)) == 200
            assert vendor.answers == [(200, "")]
            with closing(Inbox(tmp_path / "inbox.db")) as inbox:
                (found,) = inbox.pending()
            expected = make_delivery(GOOD, url=LINK if recipe != "D" else "")
            assert (found.export_id, found.url) == (GOOD, expected.url)
            assert (found.start_on, found.end_on) == (expected.start_on, expected.end_on)
            assert found.received_at == NOW

    play(story)


@pytest.mark.parametrize("recipe", ["A", "B", "C", "D"])
def test_no_recipe_takes_what_another_one_would(recipe: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path, make_reception(recipe)) as vendor:
            raw = encode(make_body())
            below = f"{vendor.url}/{'x' * 20}" if recipe == "D" else vendor.url
            for other in "ABCD":
                status = await vendor.send_raw(raw, sign(raw, recipe=other), below)
                assert status == (200 if other == recipe != "D" else 401)
            if recipe == "D":
                assert await vendor.send_raw(raw, sign(raw), vendor.url) == 404
            else:
                assert await vendor.send_raw(raw, sign(raw), f"{vendor.url}/{SECRET}") == 404

    play(story)


def test_a_storm_with_replays_in_any_order_is_recorded_once(tmp_path: Path) -> None:
    rng = random.Random(7)
    names = [f"exp_{number}" for number in range(200)]
    sent = names + rng.choices(names, k=100)
    rng.shuffle(sent)

    async def story() -> list[int]:
        async with receiving(tmp_path) as vendor:
            gate = asyncio.Semaphore(50)

            async def send(name: str) -> int:
                async with gate:
                    return await vendor.send(make_body(name))

            return list(await asyncio.gather(*(send(name) for name in sent)))

    statuses = play(story)
    assert statuses == [200] * len(sent)
    assert sorted(read_ids(tmp_path)) == sorted(names)


def test_bad_deliveries_among_good_ones_harm_nothing(tmp_path: Path) -> None:
    good = [f"exp_{number}" for number in range(40)]

    async def forge(vendor: Vendor, number: int) -> int:
        raw = encode(make_body(f"forged_{number}"))
        headers = sign(raw)
        match number % 5:
            case 0:
                return await vendor.send_raw(raw, sign(raw, secret="another"))
            case 1:
                return await vendor.send_raw(raw + b" ", headers)
            case 2:
                return await vendor.send_raw(raw, sign(raw, stamp=STALE))
            case 3:
                return await vendor.send_raw(raw, {})
            case _:
                return await vendor.send_raw(b"{" * 1000, sign(b"{" * 1000))

    async def story() -> tuple[list[int], list[int]]:
        async with receiving(tmp_path) as vendor:
            bad = asyncio.gather(*(forge(vendor, number) for number in range(40)))
            fine = await asyncio.gather(*(vendor.send(make_body(name)) for name in good))
            return list(fine), list(await bad)

    fine, bad = play(story)
    assert fine == [200] * 40
    assert set(bad) == {400, 401}
    assert sorted(read_ids(tmp_path)) == sorted(good)


def test_of_a_doubled_header_none_is_believed(tmp_path: Path) -> None:
    async def story() -> int:
        async with receiving(tmp_path) as vendor:
            raw = encode(make_body())
            headers = [*sign(raw).items(), ("X-Shortform-Signature", "sha256=" + "0" * 64)]
            async with vendor.client.post(vendor.url, data=raw, headers=headers) as answer:
                return answer.status

    assert play(story) == 401
    assert read_ids(tmp_path) == []


def test_while_the_secret_is_replaced_both_are_valid_and_then_one(tmp_path: Path) -> None:
    async def story(secrets: str) -> list[int]:
        async with receiving(tmp_path, make_reception(webhook_secret=secrets)) as vendor:
            bodies = [
                (make_body(f"exp_{secrets}_{s}".replace(",", ".")), s) for s in (SECRET, OLD_SECRET)
            ]
            return [await vendor.send(body, secret=secret) for body, secret in bodies]

    assert play(lambda: story(f"{SECRET},{OLD_SECRET}")) == [200, 200]
    assert play(lambda: story(SECRET)) == [200, 401]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([], 400, "no JSON object"),
        ({"data": {}}, 400, "`event`"),
        (make_body(exportId=None), 400, "exportId"),
        (make_body(dateRange=None), 400, "dateRange"),
        (make_body(downloadUrl="https://elsewhere.example/x"), 400, "download_hosts"),
        (make_body(downloadUrl=LINK.replace("https", "http")), 400, "download_hosts"),
        (make_body(downloadUrl="https://169.254.169.254/latest"), 400, "download_hosts"),
        ({"event": "export.failed", "data": None}, 200, ""),
        ({"event": "x" * 5000}, 200, ""),
    ],
)
def test_signed_bodies_that_are_no_export(
    body: Any, status: int, said: str, tmp_path: Path
) -> None:
    async def story() -> None:
        async with receiving(tmp_path) as vendor:
            assert await vendor.send(body) == status
            assert said in vendor.answers[0][1]
            assert await vendor.ask_health() == (200, {"ok": True, "pending": 0})
            assert await vendor.send(make_body(GOOD)) == 200

    play(story)
    assert read_ids(tmp_path) == [GOOD]


def test_wrong_paths_and_methods(tmp_path: Path) -> None:
    async def story() -> dict[tuple[str, str], int]:
        async with receiving(tmp_path) as vendor:
            root = vendor.url.removesuffix("/shortkit")
            raw = encode(make_body())
            found = {}
            asked = [("GET", "/shortkit"), ("PUT", "/shortkit"), ("DELETE", "/shortkit")]
            asked += [("POST", path) for path in ("/", "/shortkit/", "/shortkit2", "/healthz")]
            asked += [("POST", "/%2e%2e/shortkit/x"), ("GET", "/"), ("HEAD", "/healthz")]
            for method, path in asked:
                async with vendor.client.request(
                    method, root + path, data=raw, headers=sign(raw)
                ) as answer:
                    found[method, path] = answer.status
            return found

    assert play(story) == {
        ("GET", "/shortkit"): 405,
        ("PUT", "/shortkit"): 405,
        ("DELETE", "/shortkit"): 405,
        ("POST", "/"): 404,
        ("POST", "/shortkit/"): 404,
        ("POST", "/shortkit2"): 404,
        ("POST", "/healthz"): 405,
        ("POST", "/%2e%2e/shortkit/x"): 404,
        ("GET", "/"): 404,
        ("HEAD", "/healthz"): 200,
    }
    assert read_ids(tmp_path) == []


def test_a_body_may_be_so_large_and_no_larger(tmp_path: Path) -> None:
    def pad(size: int) -> bytes:
        short = encode(make_body() | {"pad": ""})
        return encode(make_body() | {"pad": "x" * (size - len(short))})

    async def in_pieces(raw: bytes) -> Any:
        for start in range(0, len(raw), 10_000):
            yield raw[start : start + 10_000]

    async def story() -> list[int]:
        async with receiving(tmp_path) as vendor:
            largest, too_large = pad(MOST_BODY), pad(MOST_BODY + 1)
            statuses = [await vendor.send_raw(raw, sign(raw)) for raw in (too_large, largest)]
            for raw in (too_large, pad(10 * MOST_BODY), largest):
                async with vendor.client.post(
                    vendor.url, data=in_pieces(raw), headers=sign(raw)
                ) as answer:
                    statuses.append(answer.status)
            return statuses

    assert play(story) == [413, 200, 413, 413, 200]


def test_a_compressed_body_is_not_unpacked(tmp_path: Path) -> None:
    async def story() -> int:
        async with receiving(tmp_path) as vendor:
            raw = encode(make_body())
            headers = sign(raw) | {"Content-Encoding": "gzip"}
            return await vendor.send_raw(raw, headers)

    assert play(story) == 200  # the bytes as they were sent are what is signed, and what is read


class SlowInbox(Inbox):
    """An inbox on a disk that does not answer until `is_open`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, busy_s=0.2)
        self.is_open, self.is_asked = threading.Event(), threading.Event()

    def put(self, deliveries: Sequence[Delivery]) -> list[bool]:
        self.is_asked.set()
        assert self.is_open.wait(60)
        return super().put(deliveries)


def test_a_slow_disk_is_not_waited_for(tmp_path: Path) -> None:
    inbox = SlowInbox(tmp_path / "inbox.db")

    async def story() -> None:
        async with receiving(tmp_path, inbox=inbox, patience=Patience(answer_s=0.3)) as vendor:
            started = time.monotonic()
            statuses = await asyncio.gather(*(vendor.send(make_body(f"e{n}")) for n in range(20)))
            health, _ = await vendor.ask_health()
            assert time.monotonic() - started < 2.0  # twice the patience, and a loaded machine
            assert (set(statuses), health) == ({503}, 503)
            inbox.is_open.set()
            again = await asyncio.gather(*(vendor.send(make_body(f"e{n}")) for n in range(20)))
            assert set(again) == {200}
            assert await vendor.ask_health() == (200, {"ok": True, "pending": 20})

    play(story)
    assert sorted(read_ids(tmp_path)) == sorted(f"e{number}" for number in range(20))


def test_the_vendor_is_answered_within_a_second() -> None:
    assert BUSY_S < Patience().answer_s < 1.0


def test_a_locked_inbox_is_answered_within_a_second(tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path) as vendor:
            with closing(sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                started = time.monotonic()
                assert await vendor.send(make_body(GOOD)) == 503
                assert time.monotonic() - started < 1.0
                assert (await vendor.ask_health())[0] == 503
                other.execute("ROLLBACK")
            assert await vendor.send(make_body(GOOD)) == 200

    play(story)
    assert read_ids(tmp_path) == [GOOD]


def test_a_run_that_reads_does_not_hold_up_deliveries(tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path) as vendor:
            assert await vendor.send(make_body("exp_1")) == 200
            with closing(Inbox(tmp_path / "inbox.db")) as run:
                assert [one.export_id for one in run.pending()] == ["exp_1"]
                assert await vendor.send(make_body("exp_2")) == 200
                run.finish(["exp_1"])
                assert await vendor.send(make_body("exp_1")) == 200
                assert [one.export_id for one in run.pending()] == ["exp_2"]

    play(story)


def test_logs_hold_no_secret_no_link_and_no_body(tmp_path: Path) -> None:
    async def story() -> None:
        async with receiving(tmp_path) as vendor:
            await vendor.send(make_body(GOOD))
            await vendor.send(make_body(downloadUrl="https://elsewhere.example/x?signature=hush"))
            await vendor.send(make_body(), secret="wrong-secret")
            await vendor.send({"event": "user.created", "data": {"userId": "person-7"}})
            raw = b"not json, person-7"
            await vendor.send_raw(raw, sign(raw))

    with structlog.testing.capture_logs() as said:
        play(story)
    assert [(one["event"], one.get("status")) for one in said] == [
        ("delivery recorded", None),
        ("delivery refused", 400),
        ("delivery refused", 401),
        ("event of another type, not used", None),
        ("delivery refused", 400),
    ]
    for hidden in (SECRET, "signature=", "elsewhere", "person-7", "wrong-secret"):
        assert hidden not in str(said)


def test_a_new_delivery_wakes_the_worker_and_so_does_what_was_left(tmp_path: Path) -> None:
    async def story() -> None:
        rung: asyncio.Queue[str] = asyncio.Queue()

        async def ring(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            rung.put_nowait("rung")
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(ring, "127.0.0.1", 0) as bell:
            port = bell.sockets[0].getsockname()[1]
            program = f"import socket; socket.create_connection(('127.0.0.1', {port})).recv(1)"
            command = (sys.executable, "-c", program)
            async with receiving(tmp_path, command=command) as vendor:
                assert await vendor.send(make_body(GOOD)) == 200
                await rung.get()
                assert await vendor.send(make_body(GOOD)) == 200  # a replay wakes nobody
            assert rung.empty()
            async with receiving(tmp_path, command=command):
                await rung.get()

    play(story)


def test_a_delivery_that_is_under_way_is_answered_when_the_receiver_ends(tmp_path: Path) -> None:
    inbox = SlowInbox(tmp_path / "inbox.db")

    async def story() -> int:
        async with aiohttp.ClientSession() as client:
            async with receiving(tmp_path, inbox=inbox) as vendor:
                raw = encode(make_body(GOOD))
                request = client.post(vendor.url, data=raw, headers=sign(raw))
                answer = asyncio.ensure_future(request)
                assert await asyncio.to_thread(inbox.is_asked.wait, 60)
                threading.Timer(0.2, inbox.is_open.set).start()  # while the receiver is ending
            async with await answer as done:
                return done.status

    assert play(story) == 200
    assert read_ids(tmp_path) == [GOOD]
