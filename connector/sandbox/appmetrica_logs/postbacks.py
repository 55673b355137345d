"""Messages to partners about installations and conversions; a failed one is sent again later."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from connector.sandbox.population.conversions import is_conversion
from connector.sandbox.population.records import Action, Record, Shopping

_AGAIN_S = (0, 900, 7200)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sending of a postback, in unix seconds; `number` counts from 0."""

    number: int
    sent_at: int
    is_sent: bool
    cost_model: str
    event_name: str


def list_attempts(record: Record) -> Iterator[Attempt]:
    """The sendings a record leads to: none, one, or up to three where the partner failed."""
    cost_model = _find_cost_model(record)
    if not cost_model:
        return
    dice = (record.device.index * 31 + record.order * 17) % 100
    failures = 2 if dice < 3 else 1 if dice < 12 else 0
    for number in range(failures + 1):
        sent_at = record.processed_at + 20 + dice + _AGAIN_S[number]
        yield Attempt(number, sent_at, number == failures, cost_model, _name_event(record))


def attempt_cells(attempt: Attempt, record: Record) -> dict[str, str]:
    """The cells of a sending beside its times."""
    source = record.device.source
    assert source is not None
    parameters = urlencode({"click_id": source.click_id, "event": attempt.event_name})
    return {
        "cost_model": attempt.cost_model,
        "event_name": attempt.event_name,
        "notifying_status": "sent" if attempt.is_sent else "failed",
        "postback_url": f"https://partner.example/postback?{parameters}",
        "postback_url_parameters": parameters,
        "response_code": "200" if attempt.is_sent else "503",
        "response_body": '{"status":"ok"}' if attempt.is_sent else "<h1>busy</h1>\nlater",
        "attributed_touch_type": source.touch_type,
        "touch_type": source.touch_type,
        "match_type": source.match_type,
    }


def _find_cost_model(record: Record) -> str:
    session = record.session
    if session is None or record.device.source is None:
        return ""
    if record.kind == "install":
        return "" if session.install.is_reinstall else "cpi"
    return "cpa" if record.kind != "ad_view" and is_conversion(record) else ""


def _name_event(record: Record) -> str:
    if isinstance(record.payload, Action):
        return record.payload.name
    if isinstance(record.payload, Shopping):
        return record.payload.step
    return "" if record.kind == "install" else record.kind
