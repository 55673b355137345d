"""What faults put in place of an answer of this API, or do to one on its way."""

from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from connector.sandbox.clock import SandboxClock
from connector.sandbox.faults import Fault
from connector.sandbox.mytracker.answers import Answer
from connector.sandbox.mytracker.quotas import Quotas, describe_quota, throttle
from connector.sandbox.refusals import drop_connection, refuse_as_asked

_PAGE = "<html><head><title>429</title></head><body><h1>Too Many Requests</h1></body></html>\n"
_XML = "<Error><Code>{code}</Code><Message>{text}</Message></Error>"


def answer_fault(
    fault: Fault, request: web.Request, quotas: Quotas, clock: SandboxClock
) -> web.Response | None:
    """The answer a fault gives instead of the request's own; None where it gives none."""
    now = clock.timestamp()
    if fault.kind == "error_block":
        return _respond(throttle(quotas.describe(now)))
    if fault.kind == "raw_quota":
        return _throttle(fault, now)
    if fault.kind == "reset":
        return drop_connection(request)
    if fault.kind == "status":
        return _refuse(fault)
    has_header = hdrs.AUTHORIZATION in request.headers
    if (fault.kind == "link_unsigned" and not has_header) or (
        fault.kind == "link_signed" and has_header
    ):
        text = "Unsupported Authorization Type" if has_header else "Access Denied"
        code = int(fault.params["code"])
        body = _XML.format(code="InvalidArgument" if has_header else "AccessDenied", text=text)
        return web.Response(status=code, text=body, content_type="application/xml")
    return None


def lose_answer(fault: Fault, request: web.Request) -> web.Response:
    """What comes instead of the answer that told the id of an export."""
    if fault.params["how"] == "reset":
        return drop_connection(request)
    return web.Response(status=502, text=_PAGE.replace("429", "502"), content_type="text/html")


def _refuse(fault: Fault) -> web.Response:
    """The code a `status` fault asks for; as JSON it is in this API's envelope."""
    if fault.params["body"] != "json" or fault.params["text"]:
        return refuse_as_asked(fault)
    answer = Answer(int(fault.params["code"]), None)
    retry_after = str(fault.params["retry_after"])
    headers = {str(hdrs.RETRY_AFTER): retry_after} if retry_after else {}
    return _respond(answer, headers=headers)


def _throttle(fault: Fault, now: float) -> web.Response:
    """A 429 that tells in one word, in another or not at all when to come again."""
    seconds, hint, place = (
        int(fault.params["seconds"]),
        fault.params["hint"],
        fault.params["code_in"],
    )
    quota: dict[str, Any] = describe_quota("RequestsByUserPerMinute", 127, 100, now + seconds, now)
    left_s = quota.pop("resetInSecond")
    if hint:
        quota[str(hint)] = left_s
    else:
        del quota["resetTime"]
    if place == "html":
        return web.Response(status=429, text=_PAGE, content_type="text/html")
    return _respond(throttle([quota]), status=200 if place == "body" else 429)


def _respond(
    answer: Answer, status: int | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=answer.code if status is None else status,
        body=answer.body(),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )
