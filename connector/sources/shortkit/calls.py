"""One call of the ShortKit API: both envelopes read, and what a refusal means.

Source: the vendor's error pages of February 2026 and later ones; codes are compared in any case.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from connector.context import ApiContext
from connector.errors import (
    ApiError,
    AuthError,
    NetworkError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    RequestError,
    ServerError,
    StillWaitingError,
)
from connector.http import (
    LONGEST_WAIT_S,
    TEXT_LIMIT,
    ApiClient,
    Response,
    shorten,
)
from connector.sources.shortkit.shortkit_settings import SOURCE, ShortkitSettings
from connector.waits import read_retry_after

FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 30.0
SHORT_S = 5.0  # a wait for the quota of a minute, not for the vendor's queue
_OK = (200, 201, 202, 204)
_EVERY_STATUS = range(200, 600)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _GONE = 401, 403, 404, 409, 410
_TOO_MANY, _SERVER_ERROR = 429, 500


class ConflictError(RequestError):
    """Something like it exists already."""


class GoneError(NotFoundError):
    """It was there, and has been deleted."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls with one secret key; thread-safe."""

    client: ApiClient
    context: ApiContext
    retries: int

    def read(self, path: str, **params: str) -> dict[str, Any]:
        """The envelope of an answer; asked again where none came."""
        return self.repeat(lambda: self.send("GET", path, params=params))

    def repeat(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `call` gives; tried again where no answer came, and where it was throttled."""
        pauses = growing()
        for attempt in count():
            try:
                return call()
            except RateLimitError as error:
                self.wait(error, next(pauses))
            except (NetworkError, ServerError) as error:
                hint = error.retry_after_s if isinstance(error, ServerError) else None
                if attempt >= self.retries or not self._pause(hint or next(pauses)):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def wait(self, error: RateLimitError, pause_s: float) -> None:
        """Wait as long as a refusal for the quota of a minute asks; StillWaitingError where the run
        has no time for that.
        """
        wait_s = error.retry_after_s or pause_s
        if not self._pause(wait_s):
            raise StillWaitingError(
                f"{SOURCE}: the vendor takes another request in {wait_s:.0f} s; the next run goes on",
                job_id="",
            ) from error

    def _pause(self, seconds: float) -> bool:
        """Wait; a moment also where the run's time for the vendor's queue is over."""
        if seconds > SHORT_S or self.context.stop.is_set():
            return self.context.pause(seconds)
        self.context.clock.sleep(seconds, self.context.stop)
        return True

    def send(
        self, method: str, path: str, *, is_told: bool = True, **options: Any
    ) -> dict[str, Any]:
        """The envelope of the answer to one request; empty where the answer has no body. What a 2xx
        says does not matter where nothing is to be told.

        Raises the `ApiError` that a refusal stands for: RateLimitError where asking later helps,
        QuotaError where that is not before the day or month is over.
        """
        with self.client.stream(
            path, method=method, kind="control", accept=_EVERY_STATUS, **options
        ) as response:
            text = response.read().decode("utf-8", "replace")
        body = _parse(text)
        if response.status_code in _OK and (body or not text.strip() or not is_told):
            return body
        said = shorten(self.client.redact(_say(body) or text))[:TEXT_LIMIT] or "(empty body)"
        about = (
            f"{SOURCE}: {method} {path.partition('?')[0]} answered {response.status_code}: {said}"
        )
        raise _to_error(response, about, _find_code(body))


def make_client(settings: ShortkitSettings, *, connections: int) -> ApiClient:
    """The client for the vendor's API host, with the key."""
    return ApiClient(
        source=SOURCE,
        base_url=settings.base_url,
        headers={"Authorization": f"Bearer {settings.token}"},
        secrets=(settings.token,),
        setting=f"sources.{SOURCE}.token",
        right="a secret key (sk_...) of this environment",
        connections=connections,
        timeout_s=settings.timeout_s,
        follows_redirects=False,
    )


def data_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The object under `data`; empty where it is none."""
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def growing() -> Iterator[float]:
    """Pauses before a request is sent again, in seconds: 1, doubling to 30."""
    pause_s = FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 2, MOST_PAUSE_S)


def _parse(text: str) -> dict[str, Any]:
    """The envelope; empty where the body is something else."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _find_error(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error of either envelope: `error` is one, `errors` a list."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else body.get("error")
    return first if isinstance(first, dict) else {}


def _find_code(body: Mapping[str, Any]) -> str:
    return str(_find_error(body).get("code") or "").upper()


def _say(body: Mapping[str, Any]) -> str:
    """What an envelope says went wrong."""
    error = _find_error(body)
    told = (error.get("code"), error.get("message"), _name_field(error))
    return ": ".join(str(item) for item in told if item)


def _name_field(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    field = details.get("field") if isinstance(details, dict) else error.get("field")
    return f"field {field}" if field else ""


def _to_throttle(text: str, code: str, retry_after_s: float | None) -> ApiError:
    """A refusal that asking later helps against: soon, or not before a quota renews."""
    if code != "QUOTA_EXCEEDED" and (retry_after_s or 0) <= LONGEST_WAIT_S:
        return RateLimitError(text, source=SOURCE, retry_after_s=retry_after_s)
    later = f" It takes more in {retry_after_s:.0f} s." if retry_after_s else ""
    return QuotaError(
        f"{text}.{later} What is finished is kept; a later run goes on.",
        source=SOURCE,
        status=_TOO_MANY,
    )


def _to_error(response: Response, text: str, code: str) -> ApiError:
    """The error that an answer stands for."""
    status = response.status_code
    if status == _TOO_MANY:
        return _to_throttle(text, code, read_retry_after(response))
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        hint = (
            f". Check sources.{SOURCE}.token: it must be a secret key (sk_live_... or sk_test_..., not"
            " pk_...) of the environment that base_url is of, and not revoked."
        )
        return AuthError(text.rstrip(".") + hint, source=SOURCE, status=status)
    if status in (_NOT_FOUND, _GONE):
        kind = GoneError if status == _GONE else NotFoundError
        return kind(text, source=SOURCE, status=status)
    if status == _CONFLICT:
        return ConflictError(text, source=SOURCE, status=status)
    if status < 300 or status >= _SERVER_ERROR:  # a page came where JSON was due
        return ServerError(
            text, source=SOURCE, status=status, retry_after_s=read_retry_after(response)
        )
    return RequestError(text, source=SOURCE, status=status)
