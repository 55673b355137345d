"""Deliveries as the vendor sends them, signed by any recipe, and a receiver to send them to."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from connector.clock import SimulatedClock
from connector.inbox import Delivery, Inbox
from connector.webhook import Place, Reception, read_reception
from connector.webhook.listener import Listener
from connector.webhook.receiver import Patience

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SECRET = "whsec_invented_for_tests"
OLD_SECRET = "whsec_the_one_before"
HOST = "exports.shortkit.dev"
LINK = f"https://{HOST}/exp_daily_20260301/data.jsonl.gz?signature=nobody-may-see-this"


def make_body(export_id: str = "exp_daily_20260301", **changes: Any) -> dict[str, Any]:
    """The body of `export.ready`; `changes` are of its data, None removes a key."""
    data = {
        "exportId": export_id,
        "dateRange": {"start": "2026-03-01", "end": "2026-03-01"},
        "downloadUrl": LINK,
        "expiresAt": "2026-03-08T00:00:00Z",
        "fileSize": "45MB",
    } | changes
    data = {key: value for key, value in data.items() if value is not None}
    return {"event": "export.ready", "data": data}


def encode(body: Any) -> bytes:
    """The bytes that are sent, and signed."""
    return json.dumps(body, ensure_ascii=False).encode()


def sign(
    raw: bytes, *, recipe: str = "A", secret: str = SECRET, stamp: str | None = None
) -> dict[str, str]:
    """The headers of a delivery; `stamp` is its timestamp, now if not given, "" to leave it out."""
    if stamp is None:
        stamp = NOW.isoformat() if recipe == "C" else str(int(NOW.timestamp()))
    signed = stamp.encode() + b"." + raw if recipe == "A" else raw
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Shortform-Timestamp": stamp,
        "X-Shortform-Webhook-ID": "wh_1",
        "X-Shortform-Delivery-ID": "dlv_1",
        "X-Shortform-Signature": digest if recipe == "C" else f"sha256={digest}",
    }
    if recipe == "D":
        del headers["X-Shortform-Signature"]
    return {key: value for key, value in headers.items() if value}


def make_reception(recipe: str = "A", **changes: Any) -> Reception:
    """The settings of these tests."""
    return read_reception({"signature": recipe, "webhook_secret": SECRET} | changes)


def make_delivery(export_id: str = "exp_1", **changes: Any) -> Delivery:
    """A delivery as it stands in the inbox."""
    values: dict[str, Any] = {
        "export_id": export_id,
        "delivery_id": "dlv_1",
        "start_on": date(2026, 3, 1),
        "end_on": date(2026, 3, 1),
        "url": LINK,
        "expires_at": NOW + timedelta(days=7),
        "received_at": NOW,
    }
    return Delivery(**values | changes)


@dataclass(slots=True)
class Vendor:
    """Sends deliveries to `url`."""

    url: str
    client: aiohttp.ClientSession
    recipe: str = "A"
    answers: list[tuple[int, str]] = field(default_factory=list)

    async def send(self, body: Any, url: str = "", **signing: Any) -> int:
        """Send a body, signed; the status of the answer."""
        raw = encode(body)
        return await self.send_raw(raw, sign(raw, recipe=self.recipe, **signing), url)

    async def send_raw(self, raw: bytes, headers: dict[str, str], url: str = "") -> int:
        """Send these bytes; the status of the answer."""
        url = url or self.url + (f"/{SECRET}" if self.recipe == "D" else "")
        async with self.client.post(url, data=raw, headers=headers) as answer:
            self.answers.append((answer.status, await answer.text()))
            return answer.status

    async def ask_health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of the health endpoint."""
        async with self.client.get(self.url.rpartition("/")[0] + "/healthz") as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def receiving(
    home: Path,
    reception: Reception | None = None,
    *,
    inbox: Inbox | None = None,
    command: Sequence[str] = (),
    patience: Patience | None = None,
) -> AsyncIterator[Vendor]:
    """A receiver on a free port, and a vendor for it; the time stands still at NOW."""
    reception = reception or make_reception()
    listener = Listener(
        reception,
        inbox or Inbox(home / "inbox.db", busy_s=0.2),
        SimulatedClock(NOW),
        patience or Patience(),
    )
    place = Place("127.0.0.1", 0, "/shortkit", home)
    async with listener.listening(place, command) as url, aiohttp.ClientSession() as client:
        yield Vendor(url, client, reception.recipe)


def read_ids(home: Path) -> list[str]:
    """Ids of the exports that wait in a home, in their order."""
    inbox = Inbox(home / "inbox.db")
    try:
        return [delivery.export_id for delivery in inbox.pending()]
    finally:
        inbox.close()
