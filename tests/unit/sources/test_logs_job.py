"""When a request says `Cache-Control`: once, where an older file may be there, never otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import QueueFullError
from connector.jobs import Ready, Waiting
from connector.sources.appmetrica_logs.exchange import Answer
from connector.sources.appmetrica_logs.job import ExportJob
from connector.sources.appmetrica_logs.logs_settings import read_settings
from connector.sources.appmetrica_logs.queue import ActiveQuery
from connector.units import Unit
from tests.unit.sources.test_logs_export import EXPORT, GIVEN

END = datetime(2026, 3, 10, tzinfo=UTC)
AS_OF = END + timedelta(minutes=10)
UNIT = replace(
    Unit("u1", "appmetrica_logs", "events", "11", "receive", END - timedelta(days=1), END, ""),
    vendor_updated_at=AS_OF,
)


class FakeExchange:
    """A vendor that answers one thing after the other; remembers the headers it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.client = self

    def attempts(self) -> Iterator[Any]:
        @contextmanager
        def attempt() -> Iterator[None]:
            yield

        yield attempt()

    def send(self, _unit: str, url: str, kind: str, headers: dict[str, str]) -> Answer:
        assert url == EXPORT.url
        self.sent.append((kind, headers))
        return self.answers.pop(0)


class FakeQueue:
    """The vendor's queue as it is told."""

    def __init__(self, *active: ActiveQuery) -> None:
        self.active = active

    @contextmanager
    def hold(self, _application_id: str) -> Iterator[None]:
        yield

    def read(self, _application_id: str) -> tuple[ActiveQuery, ...]:
        return self.active

    def find(self, url: str) -> ActiveQuery | None:
        return next((query for query in self.active if query.is_of(url)), None)


def make_job(
    exchange: FakeExchange, age: timedelta, *active: ActiveQuery, **given: Any
) -> ExportJob:
    clock = SimulatedClock(AS_OF + age)
    settings = read_settings({**GIVEN, "freshness": given.pop("freshness", "no_cache_once")})
    return ExportJob(
        unit=UNIT,
        export=EXPORT,
        exchange=exchange,  # type: ignore[arg-type]
        queue=FakeQueue(*active),  # type: ignore[arg-type]
        settings=settings,
        context=ApiContext(clock=clock),
        **given,
    )


def query(progress: float, created_at: datetime, url: str = EXPORT.url) -> ActiveQuery:
    return ActiveQuery("1", "events", "csv", url.partition("?")[2], progress, created_at)


WAIT = Answer(waiting=Waiting())


@pytest.mark.parametrize(
    ("freshness", "hours", "header"),
    [
        ("no_cache_once", 0, "no-cache"),
        ("no_cache_once", 24.9, "no-cache"),
        ("no_cache_once", 25, None),
        ("no_cache_once", 1000, None),
        ("max_age", 0, "max-age=0"),
        ("max_age", 2, "max-age=7200"),
        ("max_age", 30, None),
        ("none", 0, None),
    ],
)
def test_the_first_request_says_what_file_is_new_enough_and_polls_say_nothing(
    freshness: str, hours: float, header: str | None
) -> None:
    exchange = FakeExchange(WAIT, WAIT, WAIT, Answer(Path("file"), 3))
    job = make_job(exchange, timedelta(hours=hours), freshness=freshness)
    url = job.create(UNIT)
    states = [job.poll(url) for _ in range(3)]
    wanted = {"Cache-Control": header} if header else {}
    assert exchange.sent == [("ask", wanted), ("poll", {}), ("poll", {}), ("poll", {})]
    assert states == [Waiting(), Waiting(), Ready(("file",))]
    assert job.rows[url] == 3


def test_a_file_known_to_be_wrong_is_made_anew_whatever_its_age() -> None:
    exchange = FakeExchange(WAIT)
    make_job(exchange, timedelta(days=40), must_rebuild=True, freshness="none").create(UNIT)
    assert exchange.sent == [("ask", {"Cache-Control": "no-cache"})]


def test_a_request_that_is_in_work_and_new_enough_is_not_sent_again() -> None:
    exchange = FakeExchange()
    job = make_job(exchange, timedelta(hours=1), query(0.5, AS_OF))
    assert job.create(UNIT) == EXPORT.url
    assert job.find(UNIT) == EXPORT.url


def test_a_request_that_was_begun_too_early_is_sent_again() -> None:
    exchange = FakeExchange(WAIT)
    early = query(0.5, AS_OF - timedelta(minutes=1))
    job = make_job(exchange, timedelta(hours=1), early)
    assert job.find(UNIT) is None
    job.create(UNIT)
    assert exchange.sent == [("ask", {"Cache-Control": "no-cache"})]


def test_where_three_are_queued_nothing_is_sent() -> None:
    others = [query(0.1, AS_OF, f"{EXPORT.url}{n}") for n in range(3)]
    exchange = FakeExchange()
    with pytest.raises(QueueFullError):
        make_job(exchange, timedelta(), *others).create(UNIT)
    assert exchange.sent == []


@pytest.mark.parametrize(
    ("asked_after", "now_after", "counts"),
    [(0, 1, True), (0, 23.9, True), (0, 24.1, False), (-0.1, 1, False)],
)
def test_a_request_of_a_former_run_counts_while_its_file_may_live(
    asked_after: float, now_after: float, counts: bool
) -> None:
    job = make_job(FakeExchange(), timedelta(hours=now_after))
    asked_at = AS_OF + timedelta(hours=asked_after)
    assert job.is_asked_by(EXPORT.url, asked_at) == counts
    assert not job.is_asked_by(EXPORT.url + "&limit=1", asked_at)
