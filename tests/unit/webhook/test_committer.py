"""One thread writes: what waits is committed together, and whoever waits is told the outcome."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing

import pytest

from connector.inbox import Delivery, Inbox
from connector.webhook.committer import MOST_TOGETHER, Committer, OverloadedError
from tests.unit.webhook.deliveries import make_delivery

WAIT_S = 30.0


class SlowInbox(Inbox):
    """Writes only while `is_open` is set; `batches` are the sizes of what was written together."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open, self.is_asked = threading.Event(), threading.Event()
        self.batches: list[int] = []
        self.failure: Exception | None = None

    def put(self, deliveries: Sequence[Delivery]) -> list[bool]:
        self.is_asked.set()
        assert self.is_open.wait(WAIT_S)
        if self.failure:
            raise self.failure
        self.batches.append(len(deliveries))
        return super().put(deliveries)


@pytest.fixture
def inbox() -> Iterator[SlowInbox]:
    with closing(SlowInbox()) as inbox:
        yield inbox
        inbox.is_open.set()


def hold_first(inbox: SlowInbox, committer: Committer) -> Future[int]:
    """Begin one delivery that waits for the disk, so that the next ones gather."""
    first = committer.put(make_delivery("exp_first"))
    assert inbox.is_asked.wait(WAIT_S)
    return first


def test_what_waits_is_committed_together(inbox: SlowInbox) -> None:
    committer = Committer(inbox)
    first = hold_first(inbox, committer)
    rest = [committer.put(make_delivery(f"exp_{number % 100}")) for number in range(150)]
    proof = committer.prove()
    inbox.is_open.set()
    assert first.result(WAIT_S)
    assert [outcome.result(WAIT_S) for outcome in rest] == [True] * 100 + [False] * 50
    assert proof.result(WAIT_S) == 101
    assert committer.close()
    assert inbox.batches == [1, 150]


def test_a_batch_has_its_bounds(inbox: SlowInbox) -> None:
    committer = Committer(inbox)
    hold_first(inbox, committer)
    rest = [committer.put(make_delivery(f"exp_{n}")) for n in range(MOST_TOGETHER + 1)]
    inbox.is_open.set()
    assert all(outcome.result(WAIT_S) for outcome in rest)
    assert committer.close()
    assert inbox.batches == [1, MOST_TOGETHER, 1]


def test_what_was_given_up_before_it_was_begun_is_not_written(inbox: SlowInbox) -> None:
    committer = Committer(inbox)
    first = hold_first(inbox, committer)
    given_up = committer.put(make_delivery("exp_given_up"))
    assert given_up.cancel()
    assert not first.cancel()
    inbox.is_open.set()
    assert committer.close()
    assert [one.export_id for one in inbox.pending()] == ["exp_first"]


def test_too_much_is_turned_away_at_once(inbox: SlowInbox) -> None:
    committer = Committer(inbox, most_waiting=2)
    hold_first(inbox, committer)
    kept = [committer.put(make_delivery("exp_1")), committer.prove()]
    with pytest.raises(OverloadedError):
        committer.put(make_delivery("exp_2"))
    with pytest.raises(OverloadedError):
        committer.prove()
    inbox.is_open.set()
    assert [outcome.result(WAIT_S) for outcome in kept] == [True, 2]
    assert committer.close()


@pytest.mark.parametrize("failure", [sqlite3.OperationalError("disk I/O error"), ValueError("odd")])
def test_a_failure_is_told_and_the_thread_goes_on(inbox: SlowInbox, failure: Exception) -> None:
    inbox.failure = failure
    inbox.is_open.set()
    committer = Committer(inbox)
    assert committer.put(make_delivery("exp_1")).exception(WAIT_S) is failure
    inbox.failure = None
    assert committer.put(make_delivery("exp_1")).result(WAIT_S)
    assert committer.close()


def test_closing_writes_what_waits_and_takes_nothing_more(inbox: SlowInbox) -> None:
    committer = Committer(inbox)
    outcomes = [hold_first(inbox, committer), committer.put(make_delivery("exp_1"))]
    assert not committer.close(wait_s=0.01)
    with pytest.raises(OverloadedError):
        committer.put(make_delivery("exp_2"))
    inbox.is_open.set()
    assert committer.close()
    assert all(outcome.result(0) for outcome in outcomes)
