"""`python -m benchmarks.webhook FOLDER`: how fast the receiver answers, and whether it loses or doubles.

The vendor is played at a steady rate, whatever the answers take: latency counts from the moment a
delivery was due. Prints one JSON object: deliveries by status, milliseconds, exports sent, and
exports recorded with how often the most frequent one is.
"""

import asyncio
import hashlib
import hmac
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

RATE = 200
SECONDS = 30
REPLAYS = 0.05
SECRET = "whsec_invented_for_benchmarks"


def measure(folder: Path) -> dict[str, Any]:
    """Send all to a receiver whose home lies in `folder`; what came of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = _name_exports(RATE * SECONDS)
    with _receiver(folder) as url:
        answers = asyncio.run(_send_all(url, names))
    latencies = sorted(ms for _, ms in answers)
    with closing(sqlite3.connect(folder / "inbox.db")) as database:
        found = Counter(row[0] for row in database.execute("SELECT export_id FROM deliveries"))
    return {
        "statuses": Counter(status for status, _ in answers),
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[len(latencies) * 99 // 100],
        "most_ms": latencies[-1],
        "deliveries": len(names),
        "exports": len(set(names)),
        "recorded": len(set(names) & found.keys()),
        "most_times": max(found.values(), default=0),
    }


def list_lines(folder: Path) -> Iterator[tuple[str, str, str, bool]]:
    """The work, what was measured, the bar, and whether it was reached."""
    found = measure(folder / "webhook")
    work = f"webhook, {RATE} signed deliveries/s for {SECONDS} s, {REPLAYS:.0%} of them replays"
    figure = (
        f"p99 {found['p99_ms']:.1f} ms (median {found['p50_ms']:.1f}, most {found['most_ms']:.0f})"
    )
    yield work, figure, "p99 <= 50 ms", found["p99_ms"] <= 50
    accepted, recorded = found["statuses"].get(200, 0), found["recorded"]
    figure = (
        f"{accepted:,} answered with 200; {recorded:,} of {found['exports']:,} exports recorded"
    )
    is_whole = (accepted, recorded) == (found["deliveries"], found["exports"])
    yield f"{work}: exports", figure, "all, each once", is_whole and found["most_times"] == 1


def _name_exports(count: int) -> list[str]:
    """An export for each delivery; a share of them are those of an earlier delivery."""
    rng = random.Random(1)
    names: list[str] = []
    for number in range(count):
        is_replay = names and rng.random() < REPLAYS
        names.append(rng.choice(names) if is_replay else f"exp_{number}")
    return names


@contextmanager
def _receiver(home: Path) -> Iterator[str]:
    """The URL of the real command, in a process of its own."""
    command = [sys.executable, "-m", "connector", "webhook", "--json", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--home", str(home)],
        env=os.environ | {"SOURCES__SHORTKIT__WEBHOOK_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def _send_all(url: str, names: list[str]) -> list[tuple[int, float]]:
    """Status and milliseconds of each delivery, sent when it is due."""
    loop = asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        begins = loop.time() + 0.5
        sending = [
            _send(client, url, name, begins + number / RATE) for number, name in enumerate(names)
        ]
        return list(await asyncio.gather(*sending))


async def _send(
    client: aiohttp.ClientSession, url: str, name: str, due: float
) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(due - loop.time())
    raw = _make_body(name)
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Shortform-Timestamp": stamp,
        "X-Shortform-Delivery-ID": f"dlv_{name}",
        "X-Shortform-Signature": f"sha256={digest}",
    }
    async with client.post(url, data=raw, headers=headers) as answer:
        await answer.read()
        return answer.status, (loop.time() - due) * 1000


def _make_body(name: str) -> bytes:
    data = {
        "exportId": name,
        "dateRange": {"start": "2026-03-01", "end": "2026-03-01"},
        "downloadUrl": f"https://exports.shortkit.dev/{name}/data.jsonl.gz?signature={'x' * 200}",
        "expiresAt": "2026-03-08T00:00:00Z",
        "fileSize": "45MB",
    }
    return json.dumps({"event": "export.ready", "data": data}).encode()


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]) / "webhook")))
