from datetime import UTC, datetime

import pytest

from connector.errors import ConfigError
from connector.sandbox.faults import FaultBook, Request, next_month, parse_fault

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
T = NOW.timestamp()
DATA = Request("data", 1, "event", 600)


def strikes(book: FaultBook, request: Request = DATA, count: int = 4, now: float = T) -> list[int]:
    return [len(book.strike(request, now)) for _ in range(count)]


def test_a_fault_strikes_from_the_nth_request_as_often_as_told() -> None:
    book = FaultBook()
    book.add({"kind": "cut", "nth": 2, "times": 2}, NOW)
    assert strikes(book) == [0, 1, 1, 0]


def test_a_fault_for_ever_is_minus_one() -> None:
    book = FaultBook()
    book.add({"kind": "status", "code": 500, "times": -1}, NOW)
    assert strikes(book) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "address",
    [
        {"endpoint": "status"},
        {"app": 2},
        {"data_type": "crash"},
        {"window": 900},
        {"from": T + 1},
        {"until": "2026-03-02T12:00:00"},
    ],
)
def test_a_fault_leaves_alone_what_it_is_not_addressed_to(address: dict[str, object]) -> None:
    book = FaultBook()
    book.add({"kind": "status", "endpoint": "data", **address}, NOW)
    assert strikes(book, count=1) == [0]


def test_faults_are_taken_back_one_by_one_or_all() -> None:
    book = FaultBook()
    first, _ = (book.add({"kind": "reset"}, NOW) for _ in range(2))
    assert book.remove(first.id) == 1
    assert book.remove() == 1
    assert strikes(book, count=1) == [0]


def test_the_monthly_limit_ends_on_the_first() -> None:
    book = FaultBook()
    book.add({"kind": "monthly_limit"}, NOW)
    april = datetime(2026, 4, 1, tzinfo=UTC)
    assert strikes(book, now=april.timestamp() - 1) == [1, 1, 1, 1]
    assert strikes(book, now=april.timestamp()) == [0, 0, 0, 0]
    assert next_month(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"kind": "explode"}, "explode"),
        ({"kind": "cut", "at": 3}, "at_bytes"),
        ({"kind": "cut", "endpoint": "nowhere"}, "nowhere"),
        ({"kind": "cut", "until": "soon"}, "soon"),
        ({"kind": "cut", "framing": "loose"}, "framing"),
        ({"kind": "cut", "at_bytes": "ten"}, "at_bytes"),
        ({"kind": "cells", "set": ["x"]}, "set"),
        ({"kind": "schema_change", "add": "city"}, "add"),
        ({"kind": "file_shape", "json_layout": "tree"}, "json_layout"),
        ({"kind": "skip_windows"}, "window_index"),
    ],
)
def test_a_wrong_fault_is_refused_by_name(declared: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_fault(declared, 1)
