"""Answers that are no data: vendor errors, error pages, redirects, dropped connections."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

from connector.sandbox.faults import Fault
from connector.sandbox.scenario import Scenario

_ERROR_TYPES = {
    400: "invalid_parameter",
    401: "unauthorized",
    403: "access_denied",
    404: "not_found",
    409: "conflict",
    420: "quota",
    429: "quota",
    503: "backend_error",
}
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{code} {text}</title></head>\n"
    '<body><h1>{code} {text}</h1><p>a, b, "c"</p></body></html>\n'
)
MONTHLY_LIMIT = "The monthly limit of exported events is used up."


def refuse(
    code: int,
    message: str,
    *,
    error_type: str = "",
    retry_after: str = "",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A vendor error in the JSON form of the Management API."""
    kind = error_type or _ERROR_TYPES.get(code, "backend_error")
    error = {"error_type": kind, "message": message}
    body = json.dumps({"errors": [error], "code": code, "message": message})
    return _answer(code, "application/json", body, retry_after, headers)


def refuse_as_asked(fault: Fault) -> web.Response:
    """The answer a `status` fault asks for."""
    params = fault.params
    code, retry_after = int(params["code"]), str(params["retry_after"])
    text = _phrase(code)
    if params["text"]:
        return _answer(code, "text/plain", str(params["text"]), retry_after)
    if params["body"] == "html":
        return _answer(code, "text/html", _PAGE.format(code=code, text=text), retry_after)
    if params["body"] == "text":
        return _answer(code, "text/plain", f"{text}, try later\n", retry_after)
    if params["body"] == "empty":
        return _answer(code, "text/plain", "", retry_after)
    return refuse(code, f"{text} (fault {fault.id})", retry_after=retry_after)


def redirect_as_asked(fault: Fault, request: web.Request, storage_url: str) -> web.Response:
    """Send the client to another host, as a `redirect` fault asks; the query goes along."""
    target = str(fault.params["to"]) or f"{storage_url}/moved{request.raw_path}"
    return web.Response(status=int(fault.params["code"]), headers={hdrs.LOCATION: target})


def drop_connection(request: web.Request) -> web.Response:
    """Hang up without a byte; the response returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def answer_text(code: int, text: str, retry_after: str = "") -> web.Response:
    """A plain text, as the Logs API answers while a file is not there."""
    return _answer(code, "text/plain", text, retry_after)


def check_rights(
    request: web.Request, scenario: Scenario, app_id: str | None, *, is_write: bool = False
) -> web.Response | None:
    """The refusal a request deserves for its token or its app; None where it may go on.

    `app_id` is as sent, None where the request is about no app. Cancelling is no writing.
    """
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme != "OAuth" or token not in {scenario.read_token, scenario.write_token}:
        return refuse(401, "Invalid or missing OAuth token")
    if app_id is None:
        return None
    app = next((app for app in scenario.apps if str(app.id) == app_id), None)
    if app is None:
        return refuse(404, "No such application")
    lacks_scope = is_write and token != scenario.write_token
    if app.access == "none" or lacks_scope or (is_write and app.access != "edit"):
        return refuse(403, "Access is denied")
    return None


def _answer(
    code: int,
    content_type: str,
    text: str,
    retry_after: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    extra = dict(headers or {})
    if retry_after:
        extra[hdrs.RETRY_AFTER] = retry_after
    return web.Response(
        status=code,
        reason=_phrase(code),
        body=text.encode(),
        content_type=content_type,
        charset="utf-8",
        headers=extra,
    )


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else "Enhance Your Calm"
