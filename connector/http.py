"""The one way to a vendor: httpx with retries, rate limits, redaction and the host rule.

Credentials are sent to the vendor's own host only: httpx drops `Authorization` when a redirect
leaves the origin, and every URL that reaches a text passes through `redact_url`.
"""

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import stamina
import stamina.instrumentation
from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate

from connector.errors import (
    ApiError,
    AuthError,
    ConfigError,
    DownloadError,
    NetworkError,
    NotFoundError,
    QueueFullError,
    RateLimitError,
    RequestError,
    ServerError,
)
from connector.waits import grow_waits, read_retry_after

# stamina tells of retries through structlog where that is installed, which prints to standard
# output unless it is configured: a library must not
stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])
FILE_TRIES = 3  # a file that comes broken is fetched this often
LONGEST_WAIT_S = 900.0  # a vendor that asks for more gets the next run instead
Auth = httpx.Auth
Request = httpx.Request
Response = httpx.Response
TransportError = httpx.TransportError
_SECRET_WORDS = ("token", "secret", "sig", "password", "credential", "auth", "apikey", "api_key")
_TOKEN = re.compile(r"[\w+/=~-]{24,}")  # a value of one piece, and long: no date, no list of names
_SECRET_LENGTH = 8  # shorter words are what a credential begins with: OAuth, Bearer
TEXT_LIMIT = 500  # characters of a vendor's error text that go into ours
THROTTLE_FIRST_S = 5.0
THROTTLE_MOST_S = 60.0
RETRY_FIRST_S = 0.5
RETRY_MOST_S = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a request is tried in all, by what went wrong."""

    attempts: int = 6


@dataclass(slots=True)
class ApiClient:
    """A vendor's API as one origin with one credential.

    `headers` hold the credential, or `auth` signs with it; `secrets` are what no text may show
    besides. `throttle_codes` are answered by waiting, `right` is named in the text of a refusal,
    `count` is told of every request sent (for quotas that outlive us).
    """

    source: str
    base_url: str
    headers: Mapping[str, str]
    right: str = ""
    setting: str = ""
    connections: int = 10
    timeout_s: float = 60.0
    per_second: int | None = None
    throttle_codes: Sequence[int] = (420, 429)
    retry: Retry = Retry()
    count: Callable[[str], None] = lambda _kind: None
    auth: httpx.Auth | None = None
    secrets: Sequence[str] = ()
    follows_redirects: bool = True
    _client: httpx.Client = field(init=False, repr=False)
    _limiter: Limiter | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        check_base_url(self.base_url, self.source)
        self._client = httpx.Client(
            base_url=self.base_url.rstrip("/"),
            headers={"Accept-Encoding": "gzip", **self.headers},
            auth=self.auth,
            follow_redirects=self.follows_redirects,
            max_redirects=5,
            timeout=httpx.Timeout(self.timeout_s, connect=min(self.timeout_s, 15.0), pool=None),
            limits=httpx.Limits(max_connections=self.connections + 2),
            trust_env=False,
            verify=_load_trusted(),
        )
        if self.per_second:
            self._limiter = Limiter(InMemoryBucket([Rate(self.per_second, Duration.SECOND)]))

    def close(self) -> None:
        """Close the connections, and end the thread of the limiter."""
        self._client.close()
        if self._limiter:
            self._limiter.close()

    def redact(self, text: str) -> str:
        """The text without the credential, should a vendor have echoed it."""
        for word in (*" ".join(self.headers.values()).split(), *self.secrets):
            text = text.replace(word, "***") if len(word) >= _SECRET_LENGTH else text
        return text

    def get_json(self, path: str, **params: str) -> Any:
        """The JSON document at `path`; transient failures are tried again."""
        return self._send_json("GET", path, params=params)

    def post_json(self, path: str, body: Any = None, **params: str) -> Any:
        """Send `body` as JSON and return the JSON answer; for requests that may be sent twice."""
        sent = {} if body is None else {"json": body}
        return self._send_json("POST", path, params=params, **sent)

    def _send_json(self, method: str, path: str, **options: Any) -> Any:
        for attempt in self.attempts():
            with attempt:
                if self._limiter:
                    self._limiter.try_acquire(self.source)
                with self.stream(path, method=method, kind="control", **options) as response:
                    response.read()
                    try:
                        return response.json()
                    except ValueError:
                        raise ServerError(
                            f"{self.source}: {redact_url(response.url)} answered with something"
                            f" that is not JSON: {self._quote(response)}",
                            source=self.source,
                            status=response.status_code,
                            url=redact_url(response.url),
                        ) from None
        raise AssertionError("unreachable: stamina raises after the last attempt")

    def attempts(self) -> Iterator[stamina.Attempt]:
        """Tries of one request: `for attempt in client.attempts(): with attempt: ...`."""
        throttled = iter(grow_waits(THROTTLE_FIRST_S, THROTTLE_MOST_S))
        failed = iter(grow_waits(RETRY_FIRST_S, RETRY_MOST_S))

        broken = iter(range(1, FILE_TRIES))

        def wait(error: Exception) -> bool | float:
            match error:
                case DownloadError() if next(broken, None) is None:
                    return False
                case QueueFullError():
                    return False
                case RateLimitError():
                    wait_s = error.retry_after_s or next(throttled)
                case ServerError(is_retryable=True):
                    wait_s = error.retry_after_s or next(failed)
                case NetworkError() | DownloadError():
                    wait_s = next(failed)
                case _:
                    return False
            return wait_s if wait_s <= LONGEST_WAIT_S else False

        return iter(stamina.retry_context(on=wait, attempts=self.retry.attempts, timeout=None))

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        method: str = "GET",
        kind: str = "data",
        accept: Sequence[int] = (httpx.codes.OK,),
        is_signed: bool = True,
        **options: Any,
    ) -> Iterator[httpx.Response]:
        """One request, its answer not yet read; one with a code not in `accept` raises its error."""
        self.count(kind)
        request = self._client.build_request(method, path, **options)
        auth = {} if is_signed else {"auth": None}
        try:
            response = self._client.send(request, stream=True, **auth)  # type: ignore[arg-type]
        except httpx.RequestError as error:
            raise self._network_error(error, request.url) from error
        try:
            if response.status_code not in accept:
                raise self._error(response)
            yield response
        except httpx.RequestError as error:
            raise self._network_error(error, request.url) from error
        finally:
            response.close()

    def _network_error(self, error: httpx.RequestError, url: httpx.URL) -> NetworkError:
        return NetworkError(
            f"{self.source}: no complete answer from {redact_url(url)}:"
            f" {type(error).__name__}: {error}. It is asked again by the next run.",
            source=self.source,
            url=redact_url(url),
        )

    def _quote(self, response: httpx.Response) -> str:
        """What the vendor says, without the credential it may say back."""
        return shorten(self.redact(response.text))

    def _error(self, response: httpx.Response) -> ApiError:
        """The error an answer other than 200 stands for."""
        status, url = response.status_code, redact_url(response.url)
        try:
            response.read()
            said = self._quote(response)
        except httpx.RequestError:
            said = "(its body cannot be read)"
        text = f"{self.source}: {url} answered {status}: {said or '(empty body)'}"
        about = {"source": self.source, "status": status, "url": url}
        if status in self.throttle_codes:
            return RateLimitError(text, retry_after_s=read_retry_after(response), **about)  # type: ignore[arg-type]
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            hint = f" Check {self.setting}; it needs {self.right}." if self.setting else ""
            return AuthError(text + hint, **about)  # type: ignore[arg-type]
        if status == httpx.codes.NOT_FOUND:
            return NotFoundError(text, **about)  # type: ignore[arg-type]
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ServerError(text, retry_after_s=read_retry_after(response), **about)  # type: ignore[arg-type]
        return RequestError(text, **about)  # type: ignore[arg-type]


def find_redirect(response: Response) -> str:
    """Where an answer that was not followed leads; "" where it leads nowhere."""
    return str(response.next_request.url) if response.next_request else ""


@cache
def _load_trusted() -> ssl.SSLContext:
    """The certificates that are trusted: reading them takes as long as ten small requests."""
    return httpx.create_ssl_context(trust_env=False)


def check_base_url(url: str, source: str) -> None:
    """Raise ConfigError unless `url` is https, or http on the loopback interface."""
    try:
        parsed = httpx.URL(url)
        is_local = parsed.host in ("127.0.0.1", "localhost", "::1")
        if parsed.host and (parsed.scheme == "https" or (parsed.scheme == "http" and is_local)):
            return
        problem = (
            f"is {redact_url(parsed)!r}: a credential is sent over https only (plain http is"
            " allowed for 127.0.0.1, localhost and ::1)"
        )
    except httpx.InvalidURL as error:
        problem = f"is no URL: {error}"
    raise ConfigError(
        f"sources.{source}.base_url {problem}. Set it in .dlt/config.toml or as"
        f" SOURCES__{source.upper()}__BASE_URL."
    )


def redact_url(url: httpx.URL | str) -> str:
    """The URL without user, password, and the values of parameters that could be credentials."""
    url = httpx.URL(url)
    kept = [
        (key, "***" if _is_secret(key, value) else value) for key, value in url.params.multi_items()
    ]
    return str(url.copy_with(username=None, password=None, params=kept or None))


def _is_secret(key: str, value: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS) or bool(_TOKEN.fullmatch(value))


def _redact_record(record: logging.LogRecord) -> bool:
    """Cut credentials out of the URLs that httpx logs, for those who let it."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            redact_url(value) if isinstance(value, httpx.URL) else value for value in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_redact_record)


def shorten(text: str) -> str:
    """A vendor's text on one line, cut to a length an error message can carry."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_LIMIT else line[:TEXT_LIMIT] + "…"
