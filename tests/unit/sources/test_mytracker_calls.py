"""Calls: what each answer of the contract means, and which requests are sent again."""

import json
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
    NetworkError,
    NotFoundError,
    QueueFullError,
    RateLimitError,
    RequestError,
    ServerError,
    StillWaitingError,
)
from connector.http import ApiClient, Retry
from connector.journal import Journal
from connector.sources.mytracker.allowance import Allowance
from connector.sources.mytracker.calls import (
    LONGEST_RESET_S,
    QUOTA_PAUSE_S,
    QUOTAS_PATH,
    SOURCE,
    Calls,
    FullQueueError,
)
from connector.sources.mytracker.signing import AuthHMAC, sign
from tests.unit.engine.vendor import Vendor, answer, serve

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEY = "invented-secret-key"
RETRIES = 3
HTML = b"<html><body><h1>Bad gateway</h1></body></html>"
OK = {"idRawExport": "2"}
QUEUE_FULL = (
    "Maximum number of simultaneous requests reached. Wait until there is space available in the"
    " queue."
)


@dataclass
class Desk:
    """Calls to a vendor on loopback, by a clock that only sleeping moves."""

    calls: Calls
    vendor: Vendor
    clock: SimulatedClock
    journal: Journal

    def ask(self) -> dict[str, Any]:
        """A request that may be sent twice."""
        return self.calls.get("get", idRawExport="4")

    def create(self) -> dict[str, Any]:
        """One that may not."""
        return self.calls.send("POST", "/api/raw/v1/export/create.json?event=hits", "create")

    @property
    def waited_s(self) -> float:
        return (self.clock.now() - START).total_seconds()

    @property
    def asked(self) -> int:
        return len(self.vendor.requests)

    @property
    def errors(self) -> int:
        """How many answers were noted as refusals."""
        return sum(bool(self.journal.nth_call(SOURCE, n, is_error=True)) for n in range(1, 50))


@contextmanager
def open_desk(*answers: bytes, max_wait_s: float | None = None) -> Iterator[Desk]:
    clock, journal = SimulatedClock(START), Journal()
    until = START + timedelta(seconds=max_wait_s) if max_wait_s is not None else None
    with serve(*answers) as vendor:
        context = ApiContext(journal, clock, wait_until=until)
        client = ApiClient(
            source=SOURCE,
            base_url=vendor.url,
            headers={},
            auth=AuthHMAC("77658", KEY, vendor.url),
            secrets=(KEY,),
            follows_redirects=False,
            retry=Retry(RETRIES + 1),
        )
        try:
            calls = Calls(client, Allowance(SOURCE, 600, context), context, RETRIES)
            yield Desk(calls, vendor, clock, journal)
        finally:
            client.close()


def say(code: object, data: Any = None, *, status: int = 200, message: str = "Ok") -> bytes:
    """An envelope, in an answer of this status."""
    return answer(json.dumps({"code": code, "message": message, "data": data}).encode(), status)


def refuse(code: int, detail: str, *, status: int | None = None, **error: Any) -> bytes:
    """An envelope with an error; its status is the code, unless it is told."""
    data = {"error": {"detail": detail, **error}}
    return say(code, data, status=code if status is None else status, message="Bad Request")


def limit(*quotas: dict[str, Any], status: int = 429) -> bytes:
    """A refusal for quota."""
    data = {"error": {"info": {"quotas": list(quotas)}}}
    return say(429, data, status=status, message="Too Many Requests")


def quota(seconds: object, *, exceeded: bool = True, name: str = "resetInSecond") -> dict[str, Any]:
    return {"name": "RequestsByUserPerMinute", "count": 1, name: seconds, "exceeded": exceeded}


def catch(*answers: bytes) -> tuple[ApiError, int, float]:
    """The error of a request that may be sent twice, how often it was, and what was waited."""
    with open_desk(*answers) as desk:
        with pytest.raises(ApiError) as caught:
            desk.ask()
        return caught.value, desk.asked, desk.waited_s


def test_data_of_an_answer() -> None:
    with open_desk(say(200, OK)) as desk:
        assert desk.ask() == OK
        assert desk.create() == OK
        assert desk.calls.read(QUOTAS_PATH) == OK
        got, posted, quotas = desk.vendor.requests
        assert desk.errors == 0
        assert desk.journal.nth_call(SOURCE, 3) == START
    assert got.startswith("GET /api/raw/v1/export/get.json?idRawExport=4 HTTP/1.1\r\n")
    assert posted.startswith("POST /api/raw/v1/export/create.json?event=hits HTTP/1.1\r\n")
    assert quotas.startswith("GET /api/open/user/v1/quotas/get.json HTTP/1.1\r\n")
    assert KEY not in "".join(desk.vendor.requests)


def test_every_request_bears_the_signature_of_its_own_url() -> None:
    with open_desk(say(200, OK)) as desk:
        desk.ask()
        desk.calls.send("POST", "/create.json", "create", content="event=hits&eventName%5B%5D=a")
        get, post = desk.vendor.requests
    url = desk.vendor.url
    signed = sign(KEY, "GET", f"{url}/api/raw/v1/export/get.json?idRawExport=4")
    assert f"Authorization: AuthHMAC 77658:{signed}\r\n" in get
    body = sign(KEY, "POST", f"{url}/create.json", "event=hits&eventName%5B%5D=a")
    assert f"Authorization: AuthHMAC 77658:{body}\r\n" in post


@pytest.mark.parametrize("code", [200, "200", None, "fine", [], 0])
def test_an_answer_with_data_is_one_whatever_its_code_looks_like(code: object) -> None:
    with open_desk(say(code, OK)) as desk:
        assert desk.ask() == OK


PERMANENT = [
    "Argument 'event' must be in set of allowed tables. Allowed values are: install, payment",
    "Argument 'event' is expected but not set",
    "Argument 'selectors' is invalid",
    "Export permissions required to export raw data from an account",
    "Argument 'idCampaign' set size expected to be below 1000",
    "This RawExport can not be cancel (it's completed)",
    "This RawExport can not be cancel",
]


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize("detail", PERMANENT)
def test_a_wrong_request_is_refused_once_and_for_all(detail: str, status: int) -> None:
    error, asked, waited_s = catch(refuse(400, detail, status=status))
    assert type(error) is RequestError
    assert (error.status, error.exit_code, asked, waited_s) == (400, 3, 1, 0)
    assert detail in str(error)
    assert "/api/raw/v1/export/get.json answered 400" in str(error)


@pytest.mark.parametrize("status", [400, 200])
def test_a_full_queue_names_the_exports_that_are_in_it(status: int) -> None:
    info = {"exports": [{"idRawExport": "2"}, {"idRawExport": 11040581}, "strange"]}
    with open_desk(refuse(400, QUEUE_FULL, info=info, status=status)) as desk:
        with pytest.raises(FullQueueError) as caught:
            desk.create()
        assert (desk.asked, desk.waited_s, desk.errors) == (1, 0, 1)
    assert isinstance(caught.value, QueueFullError)
    assert caught.value.exports == ("2", "11040581")


@pytest.mark.parametrize("info", [None, {}, {"exports": None}, [], "x"])
def test_a_full_queue_may_name_nobody(info: object) -> None:
    full = refuse(400, QUEUE_FULL.upper(), info=info)
    with open_desk(full) as desk, pytest.raises(FullQueueError) as caught:
        desk.create()
    assert caught.value.exports == ()


@pytest.mark.parametrize(
    ("code", "status"), [(403, 403), (403, 200), (200, 403), (401, 401), (400, 403)]
)
def test_no_access_is_not_asked_for_again_and_says_what_to_look_at(code: int, status: int) -> None:
    said = say(code, None, status=status, message=f"Access denied to {KEY}")
    error, asked, waited_s = catch(said)
    assert isinstance(error, AuthError)
    assert (error.status, error.exit_code, asked, waited_s) == (max(code, status), 3, 1, 0)
    assert "Access denied to ***" in str(error)
    assert "sources.mytracker.api_user_id and secret_key" in str(error)
    assert "may export raw data" in str(error)
    assert KEY not in str(error)


@pytest.mark.parametrize("status", [404, 200])
def test_an_export_that_is_gone(status: int) -> None:
    error, asked, _ = catch(refuse(404, "Raw export request not found", status=status))
    assert isinstance(error, NotFoundError)
    assert (error.status, asked) == (404, 1)
    assert "Raw export request not found" in str(error)


@pytest.mark.parametrize(
    ("said", "waited_s"),
    [
        (limit(quota(1, exceeded=False), quota(30)), 31),
        (limit(quota(30), quota(600)), 601),
        (limit(quota(30), status=200), 31),
        (limit(quota(12, name="resetIn")), 13),
        (limit(quota("12")), 13),
        (limit(quota(0)), 1),
        (limit(quota(-9)), 1),
        (limit({"resetInSecond": 7}), 8),
        (limit(quota(7, exceeded=False)), QUOTA_PAUSE_S),
        (limit(quota(None)), QUOTA_PAUSE_S),
        (limit({"name": "x", "exceeded": True}), QUOTA_PAUSE_S),
        (limit(), QUOTA_PAUSE_S),
        (say(429, None), QUOTA_PAUSE_S),
        (say(429, {"error": {"info": {"quotas": "many"}}}), QUOTA_PAUSE_S),
        (say(429, {"error": {"info": ["x"]}}), QUOTA_PAUSE_S),
        (say(200, OK, status=429), QUOTA_PAUSE_S),
        (answer(HTML, 429), QUOTA_PAUSE_S),
        (answer(b"", 429), QUOTA_PAUSE_S),
    ],
)
def test_a_quota_is_waited_for_and_the_request_sent_again(said: bytes, waited_s: float) -> None:
    with open_desk(said, say(200, OK)) as desk:
        assert desk.create() == OK
        assert (desk.asked, desk.waited_s, desk.errors) == (2, waited_s, 1)


def test_no_quota_is_waited_for_longer_than_the_longest_there_is() -> None:
    with open_desk(limit(quota(10**9)), say(200, OK)) as desk:
        assert desk.create() == OK
        assert desk.waited_s == LONGEST_RESET_S + 1


def test_quotas_are_waited_for_as_often_as_it_takes() -> None:
    with open_desk(*[limit(quota(30))] * 7, say(200, OK)) as desk:
        assert desk.ask() == OK
        assert (desk.asked, desk.waited_s, desk.errors) == (8, 7 * 31, 7)


def test_a_quota_that_outlasts_the_run_is_left_to_the_next() -> None:
    with open_desk(limit(quota(30)), max_wait_s=20) as desk:
        with pytest.raises(StillWaitingError):
            desk.ask()
        assert (desk.asked, desk.waited_s) == (1, 0)


BROKEN = [
    say(500, None, status=500),
    say(503, None),
    say(200, OK, status=502),
    answer(HTML, 502),
    answer(HTML, 200),
    answer(b"", 200),
    answer(b"", 500),
    answer(b"[1, 2]", 200),
    answer(b'{"code": 200, "mess', 200),
    answer(b'{"code": 1e999}', 200),
    answer(b"\xff\xfe\x00", 200),
    say(200, None),
    say(200, ["x"]),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_an_answer_that_is_none_is_asked_for_again_where_that_does_no_harm(broken: bytes) -> None:
    with open_desk(broken, broken, say(200, OK)) as desk:
        assert desk.ask() == OK
        assert (desk.asked, desk.waited_s) == (3, 1 + 2)
    error, asked, waited_s = catch(broken)
    assert isinstance(error, ServerError)
    assert (error.exit_code, asked, waited_s) == (4, 1 + RETRIES, 1 + 2 + 4)


@pytest.mark.parametrize("broken", BROKEN)
def test_what_may_be_done_twice_by_asking_twice_is_asked_once(broken: bytes) -> None:
    with open_desk(broken, say(200, OK)) as desk:
        with pytest.raises(ServerError):
            desk.create()
        assert (desk.asked, desk.waited_s) == (1, 0)


CUT_OFF = answer(b'{"code"', 200, Content_Length="500")


@pytest.mark.parametrize("broken", [b"", b"HTTP/1.1 2", CUT_OFF])
def test_a_connection_that_breaks_is_no_answer(broken: bytes) -> None:
    with open_desk(broken, say(200, OK)) as desk:
        assert desk.ask() == OK
        assert (desk.asked, desk.waited_s, desk.errors) == (2, 1, 0)
    with open_desk(broken) as desk:
        with pytest.raises(NetworkError):
            desk.create()
        assert desk.asked == 1
        with pytest.raises(NetworkError):
            desk.ask()
        assert desk.asked == 1 + 1 + RETRIES


def test_only_refusals_count_as_errors() -> None:
    for said, errors in [(say(400, None), 1), (say(500, None), 1), (answer(HTML, 200), 0)]:
        with open_desk(said) as desk:
            with pytest.raises(ApiError):
                desk.create()
            assert desk.errors == errors


def test_a_redirect_is_not_followed() -> None:
    with open_desk(answer(status=302, Location="/other"), say(200, OK)) as desk:
        with pytest.raises(RequestError, match="answered 302"):
            desk.ask()
        assert desk.asked == 1


def test_where_the_run_ends_nothing_is_asked_again() -> None:
    with open_desk(answer(HTML, 502), max_wait_s=0.5) as desk:
        with pytest.raises(ServerError):
            desk.ask()
        assert desk.asked == 1


def test_a_long_page_is_cut_short() -> None:
    error, _, _ = catch(answer(b"<html>" + b"x" * 10_000, 400))
    assert 400 < len(str(error)) < 700


def test_a_refusal_for_quota_is_no_refusal_for_good() -> None:
    with open_desk(limit(quota(30)), say(403, None)) as desk:
        with pytest.raises(AuthError) as caught:
            desk.ask()
        assert desk.asked == 2
    assert not isinstance(caught.value, RateLimitError)
