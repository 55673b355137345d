"""The answers of this API: an envelope with a code, and ids and moments as texts within.

Samples: tracker.my.com/docs/api/export-api/raw (create, get, cancel).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROGRESS, SUCCESS, FAILED, REFUSED, CANCELLED = (
    "In progress",
    "Success!",
    "Error occurred",
    "User error occurred",
    "Canceled by user",
)
"""The states of an export, as they are spelled."""

TOO_MANY = "Too many lines in export"
FULL = (
    "Maximum number of simultaneous requests reached. "
    "Wait until there is space available in the queue."
)
_MESSAGES = {
    200: "Ok",
    400: "Bad Request",
    403: "Access denied",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the code of its body, and the `data`."""

    code: int
    data: Mapping[str, Any] | None

    def body(self) -> bytes:
        """The envelope as it is sent."""
        message = _MESSAGES.get(self.code, "Error")
        envelope = {"code": self.code, "message": message, "data": self.data}
        return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


DENIED = Answer(403, None)


def accept(**data: Any) -> Answer:
    """A success."""
    return Answer(200, data)


def refuse(code: int, detail: str, **info: Any) -> Answer:
    """A refusal with its text; `info` stands beside it."""
    error: dict[str, Any] = {"detail": detail}
    return Answer(code, {"error": error | ({"info": info} if info else {})})


def list_foreign(ids: Sequence[str]) -> Answer:
    """The queue is full of these."""
    return refuse(400, FULL, exports=[{"idRawExport": number} for number in ids])


NOT_FOUND = refuse(404, "Raw export request not found")
