"""The inbox: what was put is there once, after a restart too, and private; links die with their use."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta, timezone
from pathlib import Path

import pytest

from connector.errors import BusyError, ConfigError
from connector.inbox import Inbox
from tests.unit.webhook.deliveries import LINK, NOW, make_delivery

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "inbox.db"


@pytest.fixture
def inbox(path: Path) -> Iterator[Inbox]:
    with closing(Inbox(path, busy_s=0.1)) as inbox:
        yield inbox


def test_everything_survives_a_restart(path: Path) -> None:
    first = make_delivery("exp_1")
    bare = make_delivery("exp_2", url="", expires_at=None, delivery_id="", end_on=date(2026, 3, 4))
    with closing(Inbox(path)) as inbox:
        assert inbox.put([first, bare]) == [True, True]
    with closing(Inbox(path)) as inbox:
        assert inbox.pending() == [first, bare]


def test_an_inbox_without_a_file_lives_in_memory() -> None:
    with closing(Inbox()) as inbox:
        inbox.put([make_delivery()])
        assert inbox.pending() == [make_delivery()]


def test_home_and_files_are_private(inbox: Inbox, path: Path) -> None:
    inbox.put([make_delivery()])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"inbox.db": 0o600, "inbox.db-wal": 0o600, "inbox.db-shm": 0o600}


def test_a_known_export_is_told_from_a_new_one(inbox: Inbox) -> None:
    one, two = make_delivery("exp_1"), make_delivery("exp_2")
    assert inbox.put([one, two, one]) == [True, True, False]
    assert inbox.put([replace(one, delivery_id="dlv_2", received_at=NOW + timedelta(1))]) == [False]
    assert inbox.pending() == [one, two]
    assert inbox.put([]) == []


def test_what_came_first_is_first_whatever_its_days(inbox: Inbox) -> None:
    later = make_delivery("exp_z", start_on=date(2026, 3, 5), end_on=date(2026, 3, 5))
    earlier = make_delivery("exp_a", start_on=date(2026, 2, 1), end_on=date(2026, 2, 1))
    inbox.put([later])
    inbox.put([earlier])
    assert inbox.pending() == [later, earlier]


def test_a_finished_export_stays_known_without_its_link(inbox: Inbox, path: Path) -> None:
    inbox.put([make_delivery("exp_1"), make_delivery("exp_2", url="https://other")])
    inbox.finish(["exp_1", "exp_unknown"])
    assert [one.export_id for one in inbox.pending()] == ["exp_2"]
    fresh = make_delivery("exp_1", expires_at=NOW + timedelta(days=30))
    assert inbox.put([fresh]) == [False]
    assert [one.export_id for one in inbox.pending()] == ["exp_2"]
    inbox.close()
    assert [file.name for file in path.parent.iterdir()] == ["inbox.db"]
    content = path.read_bytes()
    assert b"exp_1" in content
    assert LINK.encode() not in content


def test_of_a_waiting_export_the_link_that_lives_longest_is_kept(inbox: Inbox) -> None:
    first = make_delivery()
    east = timezone(timedelta(hours=14))  # as a text it sorts after UTC, as a moment it is earlier
    sooner = (NOW + timedelta(days=7, hours=-1)).astimezone(east)
    fresh = replace(first, url=f"{LINK}2", expires_at=NOW + timedelta(days=8))
    inbox.put([first])
    inbox.put([replace(first, url="https://sooner", expires_at=sooner)])
    inbox.put([replace(first, url="", expires_at=NOW + timedelta(days=9))])
    inbox.put([replace(first, url="https://no-end", expires_at=None)])
    inbox.put([replace(fresh, start_on=date(2026, 2, 1), expires_at=NOW + timedelta(days=10))])
    assert inbox.pending() == [first]
    assert inbox.put([fresh]) == [False]
    assert inbox.pending() == [fresh]


def test_a_text_of_a_delivery_does_not_show_its_link() -> None:
    assert LINK not in repr(make_delivery())


def test_many_threads_put_each_export_once(inbox: Inbox) -> None:
    outcomes: list[bool] = []

    def put() -> None:
        for number in range(50):
            outcomes.extend(inbox.put([make_delivery(f"exp_{number}")]))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(True), len(outcomes)) == (50, 200)
    assert len(inbox.pending()) == 50


def test_two_processes_share_one_inbox(inbox: Inbox, path: Path) -> None:
    with closing(Inbox(path)) as other:
        other.put([make_delivery("exp_1")])
        assert inbox.put([make_delivery("exp_1"), make_delivery("exp_2")]) == [False, True]
        other.finish(["exp_1"])
        assert inbox.pending() == [make_delivery("exp_2")]


def test_a_locked_inbox_refuses_and_records_nothing(inbox: Inbox, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for write in (lambda: inbox.put([make_delivery()]), inbox.prove):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                write()
        assert inbox.pending() == []
        other.execute("ROLLBACK")
    assert inbox.put([make_delivery()]) == [True]


def test_a_full_disk_refuses_the_whole_batch(inbox: Inbox) -> None:
    (pages,) = inbox._db.execute("PRAGMA page_count").fetchone()
    inbox._db.execute(f"PRAGMA max_page_count = {pages}")
    many = [make_delivery(f"exp_{number}") for number in range(200)]
    with pytest.raises(sqlite3.OperationalError, match="full"):
        inbox.put(many)
    assert inbox.pending() == []
    inbox._db.execute("PRAGMA max_page_count = 100000")
    assert inbox.put(many) == [True] * 200


def test_a_proof_writes_and_counts_what_waits(inbox: Inbox) -> None:
    assert inbox.prove() == 0
    inbox.put([make_delivery("exp_1"), make_delivery("exp_2")])
    inbox.finish(["exp_1"])
    assert inbox.prove() == 1


def test_every_commit_waits_for_the_disk(inbox: Inbox) -> None:
    assert inbox._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert inbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_many_processes_open_a_new_inbox_at_once(path: Path) -> None:
    program = "import sys; from pathlib import Path; from connector.inbox import Inbox; sys.stdin.read()\n"
    program += "for _ in range(30): Inbox(Path(sys.argv[1])).close()"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(4)
    ]
    for child in children:  # all of them begin
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    assert [child.communicate(timeout=60)[1] for child in children] == [b""] * 4


def test_an_inbox_that_stays_locked_is_busy(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError, match="another process"):
            Inbox(path, busy_s=0.05)


def test_a_damaged_inbox_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and never was one" * 100)
    with pytest.raises(ConfigError, match=r"inbox\.db cannot be opened: .*move it away"):
        Inbox(path)
