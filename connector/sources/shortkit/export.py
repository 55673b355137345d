"""What one export is asked with, and what the vendor says of it.

Source: the vendor's guide and API page of the data export, February 2026. Names and states stand in
settings where later pages differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any, Literal

from connector.sources.shortkit.agenda import parse_unit
from connector.sources.shortkit.shortkit_settings import ShortkitSettings

State = Literal["running", "done", "failed", "cancelled", "expired", "unknown"]
_STATES: Mapping[str, State] = {
    "queued": "running",
    "processing": "running",
    "complete": "done",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "expired": "expired",
}
_JOB_ID_FIELDS = ("jobId", "exportId", "id")
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class ExportState:
    """What a status answer says; `progress` 0..1, `rows` what the files hold, `links` to them."""

    state: State
    status: str
    progress: float | None = None
    rows: int | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as the vendor lists it; `created_at` aware UTC, None where it is not told."""

    id: str
    state: State
    first: date | None
    last: date | None
    format: str
    created_at: datetime | None


def write_request(unit_id: str, settings: ShortkitSettings) -> dict[str, Any]:
    """The body of the request for a unit's job."""
    group, window = parse_unit(unit_id)
    last = window.last if settings.is_end_inclusive else window.last + timedelta(days=1)
    body: dict[str, Any] = {
        "startDate": window.first.isoformat(),
        "endDate": last.isoformat(),
        "dataTypes": list(group.tables),
        "format": settings.format,
        "compression": settings.compression,
    }
    if settings.filters:
        body["filters"] = {name: list(values) for name, values in settings.filters.items()}
    return body


def read_job_id(data: Mapping[str, Any], settings: ShortkitSettings) -> str:
    """The id of a job, under whichever name it stands; "" where there is none."""
    names = (settings.job_id_field, *_JOB_ID_FIELDS)
    return next((str(data[name]) for name in names if data.get(name)), "")


def read_state(data: Mapping[str, Any]) -> ExportState:
    """The state of a job."""
    status = str(data.get("status") or "")
    progress = _to_number(data.get("progress"))
    rows = _to_number(data.get("rowCount"))
    return ExportState(
        state=_STATES.get(status.strip().lower(), "unknown"),
        status=status,
        progress=None if progress is None else progress / _PERCENT,
        rows=None if rows is None else int(rows),
        links=_list_links(data),
    )


def _list_links(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The links to the files: one, or several in either of two spellings."""
    files = data.get("files")
    several = data.get("downloadUrls") or (
        [item.get("url") for item in files if isinstance(item, dict)]
        if isinstance(files, list)
        else []
    )
    links = several if isinstance(several, list) and several else [data.get("downloadUrl")]
    return tuple(str(link) for link in links if link)


def read_listed(item: Mapping[str, Any], settings: ShortkitSettings) -> ListedJob:
    """A job of a list."""
    span = item.get("dateRange")
    span = span if isinstance(span, dict) else {}
    last = _to_date(span.get("end"))
    if last and not settings.is_end_inclusive:
        last -= timedelta(days=1)
    return ListedJob(
        id=read_job_id(item, settings),
        state=_STATES.get(str(item.get("status") or "").lower(), "unknown"),
        first=_to_date(span.get("start")),
        last=last,
        format=str(item.get("format") or ""),
        created_at=to_moment(item.get("createdAt")),
    )


def _to_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) else None


def _to_date(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def to_moment(value: Any) -> datetime | None:
    """An ISO 8601 moment as aware UTC; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
