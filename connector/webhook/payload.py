"""The body of a delivery, read: an announced export, or an event of another type.

Source page: the vendor's webhook guide (export.ready). The general envelope's `timestamp` and
`webhookId`, and any other key, may be there and are not used.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from connector.inbox import Delivery
from connector.webhook.reception import Reception
from connector.webhook.refusal import Refusal
from connector.webhook.signature import read_stamp

EXPORT_READY = "export.ready"
_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:-]{1,200}")  # it becomes part of URLs and texts
_ID_NAMES = ("exportId", "jobId", "id")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LINK = re.compile(r"[!-\[\]-~]{1,8192}")  # visible ASCII, no backslash
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def read_event(raw: bytes) -> Mapping[str, Any]:
    """The body as a JSON object with the name of an event; Refusal (400) if it is none."""
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is no JSON in UTF-8") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is no JSON object")
    name = body.get("event", body.get("type"))
    if not isinstance(name, str):
        raise Refusal(400, "`event` is missing, or is no text")
    return {**body, "event": name}


def read_delivery(
    body: Mapping[str, Any], reception: Reception, delivery_id: str, now: datetime
) -> Delivery:
    """The export that an `export.ready` announces; Refusal (400) naming the field that is wrong.

    With recipe D the link is left out, as nobody vouches for it.
    """
    data = body.get("data")
    if not isinstance(data, dict):
        raise Refusal(400, "`data` is missing, or is no object")
    export_id = _read_id(data)
    if not _ID.fullmatch(export_id):
        raise Refusal(400, "`data.exportId` is missing, or is no id of letters, digits and ._~:-")
    start_on, end_on = _read_range(data.get("dateRange"))
    is_vouched = reception.recipe != "D"
    return Delivery(
        export_id=export_id,
        delivery_id=delivery_id if _ID.fullmatch(delivery_id) else "",
        start_on=start_on,
        end_on=end_on,
        url=_read_link(data.get("downloadUrl"), reception) if is_vouched else "",
        expires_at=_read_expiry(data.get("expiresAt")) if is_vouched else None,
        received_at=now.astimezone(UTC),
    )


def _read_id(data: Mapping[str, Any]) -> str:
    """The export's id, a text or a whole number, by the first of its names; "" where there is none."""
    found = next((data[name] for name in _ID_NAMES if data.get(name) is not None), "")
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _read_range(value: Any) -> tuple[date, date]:
    value = value if isinstance(value, dict) else {}
    days = [_read_day(value.get(key)) for key in ("start", "end")]
    if days[0] is None or days[1] is None or days[0] > days[1]:
        raise Refusal(400, "`data.dateRange` is no {start, end} of days YYYY-MM-DD in this order")
    return days[0], days[1]


def _read_day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _read_expiry(value: Any) -> datetime | None:
    if value is None:
        return None
    moment = read_stamp(value) if isinstance(value, str) else None
    if moment is None:
        raise Refusal(400, "`data.expiresAt` is no moment in ISO 8601")
    return moment


def _read_link(value: Any, reception: Reception) -> str:
    if not isinstance(value, str) or not _LINK.fullmatch(value):
        raise Refusal(400, "`data.downloadUrl` is missing, or is no URL")
    hosts = reception.download_hosts
    if not is_allowed_link(value, hosts, is_named=reception.names_hosts):
        raise Refusal(400, "`data.downloadUrl` is not https on one of the allowed download_hosts")
    return value


def is_allowed_link(link: str, hosts: Sequence[str], *, is_named: bool = False) -> bool:
    """True for https on one of the `hosts` (each a host, or host:port), without a user. Plain http is
    for loopback, and for hosts that the user named.
    """
    try:
        parts = urlsplit(link)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    schemes = ("https", "http") if is_named or host in _LOOPBACK else ("https",)
    shown = f"[{host}]" if ":" in host else host
    names = {host, shown, f"{shown}:{port or (443 if parts.scheme == 'https' else 80)}"}
    return parts.scheme in schemes and "@" not in parts.netloc and not names.isdisjoint(hosts)
