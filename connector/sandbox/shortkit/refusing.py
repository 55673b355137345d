"""What faults put in place of an answer of this API, or of its file host."""

from aiohttp import web

from connector.sandbox.faults import Fault
from connector.sandbox.refusals import drop_connection, refuse_as_asked
from connector.sandbox.shortkit.answers import Answer, refuse

_PAGE = "<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>\n"
_CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    410: "GONE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITED",
    502: "UPSTREAM_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
_DENIED = {"FORBIDDEN": 403, "ENVIRONMENT_MISMATCH": 403}


def answer_fault(fault: Fault, request: web.Request) -> Answer | web.Response | None:
    """The answer a fault gives instead of the request's own; None where it gives none."""
    params = fault.params
    if fault.kind == "reset":
        return drop_connection(request)
    if fault.kind == "video_throttled":
        wait = str(params["retry_after"])
        return refuse(
            429,
            str(params["error"]),
            "Too many requests",
            retry_after_s=int(wait) if wait else None,
        )
    if fault.kind == "video_denied":
        code = str(params["error"])
        return refuse(_DENIED.get(code, 401), code, "The API key cannot be used")
    if fault.kind == "status":
        return _refuse(fault)
    return None


def lose_answer(fault: Fault, request: web.Request) -> web.Response:
    """What comes instead of the answer that told the id of an export."""
    if fault.params["how"] == "reset":
        return drop_connection(request)
    return web.Response(status=502, text=_PAGE, content_type="text/html")


def refuse_file(code: int, text: str) -> web.Response:
    """A refusal of the file host, which speaks XML."""
    body = f"<Error><Code>{text.replace(' ', '')}</Code><Message>{text}</Message></Error>"
    return web.Response(status=code, text=body, content_type="application/xml")


def _refuse(fault: Fault) -> Answer | web.Response:
    """The code a `status` fault asks for; as JSON it is in this API's envelope."""
    code, retry_after = int(fault.params["code"]), str(fault.params["retry_after"])
    is_own = fault.params["body"] == "json" and not fault.params["text"]
    if not is_own or code < 400 or (retry_after and not retry_after.isdecimal()):
        return refuse_as_asked(fault)
    name = _CODES.get(code, "INTERNAL_ERROR")
    wait = int(retry_after) if retry_after else None
    return refuse(code, name, f"fault {fault.id}", retry_after_s=wait)
