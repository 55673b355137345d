"""One call of the MyTracker API: signed, within the quotas, its envelope read.

Source pages: tracker.my.com/docs/api/export-api (errors, quotas, raw). An error stands in the HTTP
status, in the body's `code`, or in both; the larger one counts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import isfinite
from typing import Any

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
)
from connector.http import TEXT_LIMIT, ApiClient, shorten
from connector.sources.mytracker.allowance import Allowance

SOURCE = "mytracker"
PATH = "/api/raw/v1/export"
QUOTAS_PATH = "/api/open/user/v1/quotas/get.json"
QUOTA_PAUSE_S = 60.0  # where a refusal for quota does not say how long
LONGEST_RESET_S = 3600.0  # the longest quota is that of an hour
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 60.0
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 200, 400, 401, 403, 404, 429
_SERVER_ERROR = 500
_EVERY_STATUS = range(200, 600)
_QUEUE_FULL = "maximum number of simultaneous requests"
_RESETS = ("resetInSecond", "resetIn")


class FullQueueError(QueueFullError):
    """No place for another export; `exports` are the ids of those that have the places."""

    def __init__(self, text: str, exports: Sequence[str]) -> None:
        super().__init__(text, source=SOURCE, status=_BAD_REQUEST)
        self.exports = tuple(exports)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls with one pair of credentials; thread-safe. `retries` is for answers that never came."""

    client: ApiClient
    allowance: Allowance
    context: ApiContext
    retries: int

    def get(self, method: str, kind: str = "control", **params: str) -> dict[str, Any]:
        """The `data` of an answer of the export API; may be sent twice."""
        return self.read(f"{PATH}/{method}.json", kind, **params)

    def read(self, path: str, kind: str = "control", **params: str) -> dict[str, Any]:
        """The `data` of an answer; waits for quotas, and asks again where no answer came."""
        pauses = _growing()
        for attempt in count():
            try:
                return self.send("GET", path, kind, params=params)
            except (NetworkError, ServerError):
                if attempt >= self.retries or not self.context.pause(next(pauses)):
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def send(self, method: str, path: str, kind: str, **options: Any) -> dict[str, Any]:
        """The `data` of the answer to one request; waits for quotas, and sends it again only where
        the vendor refused it for one.
        """
        while True:
            self.allowance.take()
            try:
                return self._send_once(method, path, kind, **options)
            except QueueFullError:
                raise
            except RateLimitError as error:
                self.allowance.block(error.retry_after_s or QUOTA_PAUSE_S)

    def _send_once(self, method: str, path: str, kind: str, **options: Any) -> dict[str, Any]:
        with self.client.stream(
            path, method=method, kind=kind, accept=_EVERY_STATUS, **options
        ) as response:
            text = response.read().decode("utf-8", "replace")
        status, body = response.status_code, _parse(text)
        code = max(status, _to_code(body))
        data = body.get("data") if body else None
        if code == _OK and isinstance(data, dict):
            return data
        if code != _OK:
            self.allowance.note_error()
        said = shorten(self.client.redact(_say(body) or text))[:TEXT_LIMIT] or "(empty body)"
        asked = path.partition("?")[0]  # the query of a request for an export is long
        raise _to_error(code, f"{SOURCE}: {asked} answered {code}: {said}", body)


def _growing() -> Iterator[float]:
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


def _to_code(body: Mapping[str, Any]) -> int:
    try:
        return int(body.get("code", 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _find_error(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _say(body: Mapping[str, Any]) -> str:
    """What the envelope says went wrong."""
    return str(_find_error(body).get("detail") or body.get("message") or "")


def _to_error(code: int, text: str, body: Mapping[str, Any]) -> ApiError:
    """The error that an answer stands for."""
    info = _find_error(body).get("info")
    info = info if isinstance(info, dict) else {}
    if code == _TOO_MANY:
        return RateLimitError(text, source=SOURCE, retry_after_s=_read_reset(info))
    if code in (_UNAUTHORIZED, _FORBIDDEN):
        hint = (
            f" Check sources.{SOURCE}.api_user_id and secret_key (the key may have been renewed), and"
            " that this user may export raw data of these apps and accounts."
        )
        return AuthError(text + hint, source=SOURCE, status=code)
    if code == _NOT_FOUND:
        return NotFoundError(text, source=SOURCE, status=code)
    if _QUEUE_FULL in text.lower():
        exports = [str(item.get("idRawExport")) for item in _listed(info, "exports")]
        return FullQueueError(text, exports)
    if code == _OK or code >= _SERVER_ERROR:
        return ServerError(text, source=SOURCE, status=code)
    return RequestError(text, source=SOURCE, status=code)


def _read_reset(info: Mapping[str, Any]) -> float | None:
    """Seconds until every quota that is used up begins anew, and one more."""
    resets = [
        seconds
        for quota in _listed(info, "quotas")
        if quota.get("exceeded", True)
        for name in _RESETS
        if (seconds := _to_seconds(quota.get(name))) is not None
    ]
    return min(max(resets), LONGEST_RESET_S) + 1 if resets else None


def _to_seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if isfinite(seconds) else None


def _listed(info: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    items = info.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
