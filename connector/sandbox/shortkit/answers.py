"""The answers of this API: success, and the error envelopes of its two versions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Envelope = Literal["v1", "v2"]
_LATER = {
    "VALIDATION_ERROR": "invalid_request",
    "MISSING_PARAMETER": "invalid_request",
    "INVALID_PARAMETER": "invalid_request",
    "UNAUTHORIZED": "invalid_api_key",
}
"""Codes the later pages spell otherwise than in small letters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `code` names an error, "" is success; `retry_after_s` goes into the header."""

    status: int
    data: Any = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    at: str = ""
    retry_after_s: int | None = None

    def body(self, envelope: Envelope, number: int) -> bytes:
        """The text as it is sent; `number` makes the id of the request."""
        key, request_id = ("requestId", "request_id")[envelope == "v2"], f"req_{number:08x}"
        meta = {**self.meta, key: request_id}
        if self.status == 204:
            return b""
        if not self.code:
            return _dump({"data": self.data, "meta": meta})
        if envelope == "v2":
            code = _LATER.get(self.code, self.code.lower())
            error: dict[str, Any] = {"code": code, "message": self.message}
            errors = [error | ({"field": self.at} if self.at else {})]
            return _dump({"data": None, "errors": errors, "meta": meta})
        error = {"code": self.code, "message": self.message}
        if self.at:
            error["details"] = {"field": self.at, "reason": "invalid"}
        return _dump({"error": error, "meta": meta})


def accept(data: Any, status: int = 200, **meta: Any) -> Answer:
    """A success."""
    return Answer(status, data, meta)


def refuse(
    status: int, code: str, message: str, at: str = "", retry_after_s: int | None = None
) -> Answer:
    """A refusal; `at` is the field it is about."""
    return Answer(status, code=code, message=message, at=at, retry_after_s=retry_after_s)


NOT_FOUND = refuse(404, "NOT_FOUND", "Resource not found")


def _dump(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
