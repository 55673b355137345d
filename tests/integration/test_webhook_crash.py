"""Kill -9 in the middle of a storm: what got a 2xx is in the inbox, exactly once."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.receiver_process import running, send

SENDERS = 8


class Storm:
    """Sends deliveries from many threads until it is stopped, every fifth one twice."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._stopped = threading.Event()
        self._lock, self._enough = threading.Lock(), threading.Semaphore(0)
        self.accepted: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self, sender: int) -> None:
        number = 0
        while not self._stopped.is_set():
            export_id = f"{self._name}_{sender}_{number}"
            for _ in range(2 if number % 5 == 0 else 1):
                if send(self._url, export_id) == 200:
                    with self._lock:
                        self.accepted[export_id] += 1
                    self._enough.release()
            number += 1

    def wait_for(self, accepted: int) -> None:
        """Wait until so many were answered with 200."""
        for _ in range(accepted):
            assert self._enough.acquire(timeout=60)

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def read_all(home: Path) -> Counter[str]:
    with closing(sqlite3.connect(home / "inbox.db")) as database:
        return Counter(row[0] for row in database.execute("SELECT export_id FROM deliveries"))


@pytest.mark.parametrize("accepted", [1, 60, 250])
def test_what_was_answered_before_a_kill_is_there_once(accepted: int, tmp_path: Path) -> None:
    home, port = tmp_path / "home", 0
    answered: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for round_number in range(2):
        with running(home, "--quiet", port=port) as receiver:
            port = urlsplit(receiver.url).port or 0
            storm = Storm(receiver.url, f"exp_{round_number}")
            storm.wait_for(accepted)
            receiver.kill()
            storm.stop()
        answered += storm.accepted
        found = read_all(home)
        assert set(found.values()) == {1}
        assert answered.keys() - found.keys() == set()
    with running(home, "--quiet", port=port) as receiver:
        assert {send(receiver.url, export_id) for export_id in sorted(answered)[:5]} == {200}
    assert read_all(home) == found
