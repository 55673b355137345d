"""Calls: what each answer of the contract means, in both envelopes, and what is sent again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.clock import SimulatedClock
from connector.context import ApiContext
from connector.errors import (
    ApiError,
    AuthError,
    ConnectorError,
    NetworkError,
    NotFoundError,
    QuotaError,
    RequestError,
    ServerError,
    StillWaitingError,
)
from connector.journal import Journal
from connector.sources.shortkit.calls import Calls, ConflictError, GoneError, data_of, make_client
from tests.unit.engine.vendor import Vendor, answer, serve
from tests.unit.sources.test_shortkit_settings import TOKEN, make_settings

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
RETRIES = 3
PATH = "/analytics/export/exp_1"
HTML = b"<html><body><h1>Bad gateway</h1></body></html>"
BODY = {"data": {"jobId": "exp_1", "status": "queued"}, "meta": {"requestId": "req_1"}}


@dataclass
class Desk:
    """Calls to a vendor on loopback, by a clock that only sleeping moves."""

    calls: Calls
    vendor: Vendor
    clock: SimulatedClock

    def ask(self) -> dict[str, Any]:
        return self.calls.read(PATH)

    def create(self) -> dict[str, Any]:
        return self.calls.send("POST", "/analytics/export", json={"format": "csv"})

    @property
    def waited_s(self) -> float:
        return (self.clock.now() - START).total_seconds()

    @property
    def asked(self) -> int:
        return len(self.vendor.requests)


@contextmanager
def open_desk(
    *answers: bytes, max_wait_s: float | None = None, is_stopped: bool = False
) -> Iterator[Desk]:
    clock, stop = SimulatedClock(START), threading.Event()
    if is_stopped:
        stop.set()
    until = START + timedelta(seconds=max_wait_s) if max_wait_s is not None else None
    with serve(*answers) as vendor:
        context = ApiContext(Journal(), clock, wait_until=until, stop=stop)
        client = make_client(make_settings(base_url=f"{vendor.url}/v1"), connections=2)
        try:
            yield Desk(Calls(client, context, RETRIES), vendor, clock)
        finally:
            client.close()


def say(body: Any = BODY, status: int = 200, **headers: str) -> bytes:
    return answer(json.dumps(body).encode(), status, **headers)


def first(status: int, code: str, message: str = "no", **headers: str) -> bytes:
    """A refusal in the envelope of the first pages."""
    details = {"field": "endDate", "reason": "range"}
    body = {"error": {"code": code, "message": message, "details": details}}
    return say(body, status, **headers)


def later(status: int, code: str, message: str = "no", **headers: str) -> bytes:
    """A refusal in the envelope of later pages."""
    error = {"code": code.lower(), "message": message, "field": "endDate"}
    return say(
        {"data": None, "errors": [error], "meta": {"request_id": "req_1"}}, status, **headers
    )


ENVELOPES = pytest.mark.parametrize("refuse", [first, later])


def catch(*answers: bytes, **options: Any) -> tuple[ConnectorError, int, float]:
    """The error of a read, how often it was asked, and what was waited."""
    with open_desk(*answers, **options) as desk:
        with pytest.raises(ConnectorError) as caught:
            desk.ask()
        return caught.value, desk.asked, desk.waited_s


def test_data_of_an_answer() -> None:
    with open_desk(say(), say(status=201), answer(status=204), answer(status=202)) as desk:
        assert data_of(desk.ask()) == BODY["data"]
        assert data_of(desk.create()) == BODY["data"]
        assert desk.calls.send("DELETE", PATH) == {}
        assert desk.calls.send("DELETE", PATH) == {}
        got, posted, *_ = desk.vendor.requests
    assert got.startswith(f"GET /v1{PATH} HTTP/1.1\r\n")
    assert posted.startswith("POST /v1/analytics/export HTTP/1.1\r\n")
    for head in (got, posted):
        assert f"Authorization: Bearer {TOKEN}\r\n" in head


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}, {"data": "x"}])
def test_data_that_is_no_object_is_none(body: dict[str, Any]) -> None:
    assert data_of(body) == {}


def test_parameters_stand_in_the_query() -> None:
    with open_desk(say()) as desk:
        desk.calls.read("/analytics/exports", limit="100", cursor="a b")
        assert "GET /v1/analytics/exports?limit=100&cursor=a" in desk.vendor.requests[0]


@ENVELOPES
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "VALIDATION_ERROR", RequestError),
        (400, "INVALID_REQUEST", RequestError),
        (422, "MISSING_PARAMETER", RequestError),
        (422, "INVALID_PARAMETER", RequestError),
        (401, "UNAUTHORIZED", AuthError),
        (401, "KEY_REVOKED", AuthError),
        (401, "invalid_api_key", AuthError),
        (403, "FORBIDDEN", AuthError),
        (403, "ENVIRONMENT_MISMATCH", AuthError),
        (404, "NOT_FOUND", NotFoundError),
        (409, "ALREADY_EXISTS", ConflictError),
        (409, "CONFLICT", ConflictError),
        (410, "GONE", GoneError),
    ],
)
def test_what_a_refusal_means_is_told_at_once(
    refuse: Any, status: int, code: str, kind: type[ApiError]
) -> None:
    error, asked, waited_s = catch(refuse(status, code, f"no, {TOKEN}"))
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.status, error.exit_code, asked, waited_s) == (status, 3, 1, 0)
    assert f"GET {PATH} answered {status}: " in str(error)
    assert code.lower() in str(error).lower()
    assert "no, ***: field endDate" in str(error)
    assert TOKEN not in str(error)


def test_no_access_says_what_to_look_at() -> None:
    for status in (401, 403):
        error, _, _ = catch(first(status, "FORBIDDEN"))
        assert "sources.shortkit.token" in str(error)
        assert "not pk_...)" in str(error)
        assert "of the environment that base_url is of" in str(error)


@ENVELOPES
@pytest.mark.parametrize(
    ("headers", "waited_s"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 1),
        ({"Retry_After": "soon"}, 1),
        ({}, 1),
        ({"X_RateLimit_Reset": "1773144000"}, 1),
    ],
)
def test_throttling_is_waited_for(refuse: Any, headers: dict[str, str], waited_s: float) -> None:
    with open_desk(refuse(429, "RATE_LIMITED", **headers), say()) as desk:
        assert desk.ask() == BODY
        assert (desk.asked, desk.waited_s) == (2, waited_s)


def test_waits_without_a_hint_double_up_to_thirty_seconds() -> None:
    with open_desk(*[first(429, "RATE_LIMITED")] * 8, say()) as desk:
        assert desk.ask() == BODY
        assert desk.clock.slept_s == [1, 2, 4, 8, 16, 30, 30, 30]


@ENVELOPES
@pytest.mark.parametrize("headers", [{}, {"Retry_After": "5"}, {"Retry_After": "86400"}])
def test_the_quota_of_a_month_ends_the_run(refuse: Any, headers: dict[str, str]) -> None:
    error, asked, waited_s = catch(refuse(429, "QUOTA_EXCEEDED", **headers))
    assert isinstance(error, QuotaError)
    assert (error.exit_code, asked, waited_s) == (4, 1, 0)
    assert "What is finished is kept" in str(error)
    assert ("It takes more in" in str(error)) == bool(headers)


def test_a_wait_longer_than_a_run_is_a_quota() -> None:
    error, asked, waited_s = catch(first(429, "RATE_LIMITED", Retry_After="7200"))
    assert isinstance(error, QuotaError)
    assert (asked, waited_s) == (1, 0)
    assert "7200 s" in str(error)


@pytest.mark.parametrize("body", [HTML, b"", b"[1]", b'"x"', b"null"])
def test_throttling_needs_no_envelope(body: bytes) -> None:
    with open_desk(answer(body, 429), say()) as desk:
        assert desk.ask() == BODY
        assert desk.asked == 2


def test_throttling_that_outlasts_the_run_is_left_to_the_next() -> None:
    error, asked, waited_s = catch(first(429, "RATE_LIMITED", Retry_After="30"), max_wait_s=20)
    assert isinstance(error, StillWaitingError)
    assert (asked, waited_s) == (1, 0)


def test_a_moment_is_waited_also_where_there_is_no_time_for_the_vendors_queue() -> None:
    with open_desk(first(429, "RATE_LIMITED", Retry_After="5"), say(), max_wait_s=0) as desk:
        assert desk.ask() == BODY
        assert desk.waited_s == 5


def test_where_somebody_stops_the_run_nothing_is_waited_for() -> None:
    error, asked, waited_s = catch(first(429, "RATE_LIMITED"), is_stopped=True)
    assert isinstance(error, StillWaitingError)
    assert (asked, waited_s) == (1, 0)
    error, asked, waited_s = catch(answer(HTML, 502), is_stopped=True)
    assert isinstance(error, ServerError)
    assert (asked, waited_s) == (1, 0)


BROKEN = [
    first(500, "INTERNAL_ERROR"),
    later(502, "UPSTREAM_ERROR"),
    first(503, "SERVICE_UNAVAILABLE"),
    answer(HTML, 502),
    answer(HTML, 200),
    answer(b"", 500),
    answer(b"[1, 2]", 200),
    answer(b'{"data": {"jobId', 200),
    answer(b"\xff\xfe\x00", 200),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_answer_that_is_none_is_asked_for_again(broken: bytes) -> None:
    with open_desk(broken, broken, say()) as desk:
        assert desk.ask() == BODY
        assert (desk.asked, desk.waited_s) == (3, 1 + 2)
    error, asked, waited_s = catch(broken)
    assert isinstance(error, ServerError)
    assert (error.exit_code, asked, waited_s) == (4, 1 + RETRIES, 1 + 2 + 4)


def test_a_server_may_say_when_it_is_back() -> None:
    with open_desk(first(503, "SERVICE_UNAVAILABLE", Retry_After="40"), say()) as desk:
        assert desk.ask() == BODY
        assert desk.waited_s == 40


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_sent_once_is_sent_once(broken: bytes) -> None:
    with open_desk(broken, say()) as desk:
        with pytest.raises(ServerError):
            desk.create()
        assert (desk.asked, desk.waited_s) == (1, 0)


CUT_OFF = answer(b'{"data"', 200, Content_Length="500")


@pytest.mark.parametrize("broken", [b"", b"HTTP/1.1 2", CUT_OFF])
def test_a_connection_that_breaks_is_no_answer(broken: bytes) -> None:
    with open_desk(broken, say()) as desk:
        assert desk.ask() == BODY
        assert (desk.asked, desk.waited_s) == (2, 1)
    with open_desk(broken) as desk:
        with pytest.raises(NetworkError):
            desk.create()
        assert desk.asked == 1
        with pytest.raises(NetworkError):
            desk.ask()
        assert desk.asked == 1 + 1 + RETRIES


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with open_desk(answer(status=status, Location="http://127.0.0.1:1/x"), say()) as desk:
        with pytest.raises(RequestError, match=f"answered {status}"):
            desk.ask()
        assert desk.asked == 1


def test_a_long_page_is_cut_short() -> None:
    error, _, _ = catch(answer(b"<html>" + b"x" * 10_000, 400))
    assert 400 < len(str(error)) < 700
