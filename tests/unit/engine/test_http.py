"""HTTP: credentials stay with their vendor, refusals are told apart, texts hold no secret."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connector.errors import (
    ApiError,
    AuthError,
    ConfigError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    RequestError,
    ServerError,
)
from connector.http import TEXT_LIMIT, Retry, check_base_url, redact_url, shorten
from connector.waits import read_retry_after
from tests.unit.engine.vendor import TOKEN, answer, connect, gzipped, serve

ONCE = Retry(attempts=1)


def refuse(*answers: bytes, **options: Any) -> tuple[ApiError, int]:
    """The error that these answers end in, and how many requests that took."""
    with serve(*answers) as vendor, connect(vendor.url, **options) as client:
        with pytest.raises(ApiError) as caught:
            client.get_json("/status")
        return caught.value, len(vendor.requests)


def test_every_request_bears_the_credential_and_asks_for_gzip() -> None:
    with serve(gzipped(b'{"a": [1]}')) as vendor, connect(vendor.url) as client:
        assert client.get_json("/status", data_type="event") == {"a": [1]}
    (request,) = vendor.requests
    assert request.startswith("GET /status?data_type=event HTTP/1.1")
    assert f"Authorization: OAuth {TOKEN}" in request
    assert "Accept-Encoding: gzip\r\n" in request


def test_credential_is_not_sent_to_the_host_of_a_redirect() -> None:
    with serve(answer(b'{"a": 1}')) as other:
        moved = answer(status=302, Location=f"{other.url}/file?x=1")
        with serve(moved) as vendor, connect(vendor.url) as client:
            assert client.get_json("/status") == {"a": 1}
    assert TOKEN in vendor.requests[0]
    assert "authorization" not in other.requests[0].lower()
    assert TOKEN not in other.requests[0]


def test_redirect_within_the_vendor_keeps_the_credential() -> None:
    answers = (answer(status=307, Location="/elsewhere"), answer(b"{}"))
    with serve(*answers) as vendor, connect(vendor.url) as client:
        assert client.get_json("/status") == {}
    assert [TOKEN in request for request in vendor.requests] == [True, True]


def test_endless_redirects_are_a_network_error() -> None:
    error, _ = refuse(answer(status=302, Location="/status"), retry=ONCE)
    assert isinstance(error, NetworkError)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.appmetrica.yandex.com",
        "http://127.0.0.1:9000",
        "http://localhost",
        "http://[::1]:8",
    ],
)
def test_base_url_is_https_or_loopback(url: str) -> None:
    check_base_url(url, "vendor")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.appmetrica.yandex.com",
        "http://127.0.0.1.evil.example",
        "http://user:hidden@localhost.example",
        "ftp://localhost",
        "api.appmetrica.yandex.com",
        "https://",
        "https://host:port",
        "http://[::1",
    ],
)
def test_any_other_base_url_is_refused_before_a_request(url: str) -> None:
    with pytest.raises(ConfigError, match="SOURCES__VENDOR__BASE_URL") as caught:
        check_base_url(url, "vendor")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host/path", "https://host/path"),
        ("https://host/p?data_type=event", "https://host/p?data_type=event"),
        ("https://host/p?oauth_token=x&a=1", "https://host/p?oauth_token=***&a=1"),
        ("https://h/f?X-Amz-Signature=x&X-Amz-Credential=y", None),
        ("https://h/f?sig=x&se=2026", "https://h/f?sig=***&se=2026"),
        ("https://h/f?client_secret=x", "https://h/f?client_secret=***"),
    ],
)
def test_url_is_shown_without_credentials(url: str, shown: str | None) -> None:
    text = redact_url(url)
    assert shown is None or text == shown.replace("***", "%2A%2A%2A") or text == shown
    assert "pass" not in text
    assert "=x" not in text
    assert "=y" not in text


def test_vendor_text_is_one_line_of_bounded_length() -> None:
    assert shorten(" two\n\n lines\t") == "two lines"
    assert len(shorten("x" * 10_000)) == TEXT_LIMIT + 1


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_names_the_setting_and_the_right_and_is_not_repeated(status: int) -> None:
    said = answer(f"token {TOKEN} is not valid".encode(), status)
    error, requests = refuse(said, setting="sources.vendor.token", right="the scope x:read")
    assert requests == 1
    assert isinstance(error, AuthError)
    assert (error.status, error.exit_code) == (status, 3)
    assert "Check sources.vendor.token; it needs the scope x:read." in str(error)
    assert TOKEN not in str(error)
    assert "token *** is not valid" in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "exit_code", "is_repeated"),
    [
        (400, RequestError, 3, False),
        (404, NotFoundError, 3, False),
        (409, RequestError, 3, False),
        (420, RateLimitError, 4, True),
        (429, RateLimitError, 4, True),
        (500, ServerError, 4, True),
        (502, ServerError, 4, True),
        (503, ServerError, 4, True),
        (204, RequestError, 3, False),
    ],
)
def test_answer_is_repeated_only_where_that_may_help(
    status: int, kind: type[ApiError], exit_code: int, *, is_repeated: bool
) -> None:
    error, requests = refuse(answer(b"why not", status))
    assert type(error) is kind
    assert (error.status, error.exit_code, error.source) == (status, exit_code, "vendor")
    assert "/status" in error.url
    assert "why not" in str(error) or status == 204
    assert requests == (Retry().attempts if is_repeated else 1)


def test_throttle_codes_are_a_setting() -> None:
    error, requests = refuse(answer(b"", 429), throttle_codes=(420,))
    assert (type(error), requests) == (RequestError, 1)


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>", b"", b"{", b"\xff\xfe", b'{"a": 1} x']
)
def test_answer_that_is_no_json_is_asked_for_again(body: bytes) -> None:
    error, requests = refuse(answer(body), retry=Retry(attempts=2))
    assert isinstance(error, ServerError)
    assert "not JSON" in str(error)
    assert requests == 2


def test_passing_failures_end_in_the_answer() -> None:
    answers = (
        answer(b"", 503),
        answer(b"", 429, Retry_After="1"),
        b"",
        answer(b'{"a"', Content_Length="999"),
        answer(b"not gzip", Content_Encoding="gzip"),
        answer(b'{"a": 1}'),
    )
    counted: list[str] = []
    with serve(*answers) as vendor, connect(vendor.url, count=counted.append) as client:
        assert client.get_json("/status") == {"a": 1}
    assert counted == ["control"] * 6


def test_error_whose_body_cannot_be_read_is_told_all_the_same() -> None:
    error, _ = refuse(answer(b"not gzip", 403, Content_Encoding="gzip"))
    assert isinstance(error, AuthError)
    error, _ = refuse(answer(b"cut", 403, Content_Length="999"))
    assert isinstance(error, AuthError)


def test_vendor_that_is_not_there_is_a_network_error() -> None:
    with serve(b"") as vendor:
        url = vendor.url
    with connect(url, retry=ONCE) as client, pytest.raises(NetworkError) as caught:
        client.get_json("/status")
    assert caught.value.exit_code == 4


def test_body_is_posted_as_json() -> None:
    with serve(answer(b"{}")) as vendor, connect(vendor.url) as client:
        client.post_json("/settings", {"a": 1})
    assert vendor.requests[0].startswith("POST /settings")
    assert "Content-Type: application/json" in vendor.requests[0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert read_retry_after(httpx.Response(429, headers={"Retry-After": value})) == seconds


def test_retry_after_may_be_a_date_to_come() -> None:
    due_at = datetime.now(UTC) + timedelta(minutes=5)
    headers = {"Retry-After": format_datetime(due_at, usegmt=True)}
    waited = read_retry_after(httpx.Response(429, headers=headers))
    assert waited is not None
    assert 290 < waited <= 300


def test_links_in_the_log_of_httpx_hold_no_signature(caplog: pytest.LogCaptureFixture) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200)

    link = (
        "https://files.invalid/a.gz?X-Amz-Signature=0123456789&s=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6&day=7"
    )
    with caplog.at_level("INFO", "httpx"), httpx.Client(transport=httpx.MockTransport(answer)) as c:
        c.get(link)
    assert "files.invalid/a.gz" in caplog.text
    assert "day=7" in caplog.text
    assert "0123456789" not in caplog.text
    assert "Zm9vYmFy" not in caplog.text
