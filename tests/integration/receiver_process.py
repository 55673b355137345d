"""The receiver as a process of its own, by its command line."""

import hashlib
import hmac
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.unit.webhook.deliveries import SECRET, encode, make_body

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Process:
    """A receiver that listens at `url`."""

    child: subprocess.Popen[str]
    url: str

    def kill(self) -> None:
        """Kill -9."""
        self.child.kill()
        self.child.communicate()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Ask it to end: exit code, the rest of standard output, and standard error."""
        self.child.send_signal(number)
        out, err = self.child.communicate(timeout=60)
        return self.child.returncode, out, err


def start(home: Path, *words: str, secret: str = SECRET, port: int = 0) -> Process:
    """Start one and wait until it listens."""
    command = [sys.executable, "-m", "connector", "webhook", "--json"]
    command += ["--home", str(home), "--port", str(port), *words]
    child = subprocess.Popen(
        command,
        cwd=home.parent,
        env=os.environ | {"SOURCES__SHORTKIT__WEBHOOK_SECRET": secret, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(child.communicate()[1])
    return Process(child, json.loads(line)["url"])


@contextmanager
def running(home: Path, *words: str, secret: str = SECRET, port: int = 0) -> Iterator[Process]:
    """One that is killed in the end, if it still runs."""
    process = start(home, *words, secret=secret, port=port)
    try:
        yield process
    finally:
        process.kill()


def send(url: str, export_id: str, secret: str = SECRET) -> int | None:
    """Send one delivery, signed now; the status, or None where no answer came."""
    raw, stamp = encode(make_body(export_id)), str(int(time.time()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    headers = {"X-Shortform-Timestamp": stamp, "X-Shortform-Signature": f"sha256={digest}"}
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("POST", parts.path, raw, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
