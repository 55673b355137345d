"""How the AppMetrica Logs API is asked: what is due, exports, the queue. Knows no dlt.

Source pages: appmetrica.yandex.com/docs/en/mobile-api/logs (request flow, parameters, resources).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.context import ApiContext
from connector.errors import ApiError, AuthError, ConfigError, ServerError
from connector.fields import load_tables
from connector.http import ApiClient, Retry
from connector.sources.appmetrica_logs.exchange import Exchange
from connector.sources.appmetrica_logs.export import SOURCE, Export, name_dates
from connector.sources.appmetrica_logs.job import ExportJob
from connector.sources.appmetrica_logs.logs_settings import LogsSettings
from connector.sources.appmetrica_logs.parts import fetch_unit
from connector.sources.appmetrica_logs.queue import Queue
from connector.sources.appmetrica_logs.slices import (
    DueSlice,
    Span,
    find_due,
    find_due_snapshot,
    halve,
)
from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Scope, Unit

OURS = 2  # places of an application's queue that we take: one of the three is left to people
MANAGEMENT_PER_SECOND = 30
REQUESTS_PER_UNIT = 6  # to ask, to look at the queue, and some polls: a day's export takes a minute
SNAPSHOT, RECEIVE, DEVICE = "snapshot", "receive", "device"
_FORBIDDEN = 403


class LogsApi:
    """The API with one token; thread-safe. `settings` say what to load, `context` for which run."""

    source = SOURCE
    parallel = OURS

    def __init__(self, settings: LogsSettings, context: ApiContext) -> None:
        self.settings, self._context = settings, context
        self.application_ids, self.tables = settings.application_ids, settings.tables
        self._client = ApiClient(
            source=SOURCE,
            base_url=settings.base_url,
            headers={"Authorization": f"OAuth {settings.token}"},
            setting=f"sources.{SOURCE}.token",
            right="the scope appmetrica:read and access to the application",
            connections=OURS * len(settings.application_ids),
            timeout_s=settings.timeout_s,
            per_second=MANAGEMENT_PER_SECOND,
            throttle_codes=settings.throttle_codes,
            retry=Retry(settings.retries + 1),
            count=lambda kind: context.count(kind, settings.daily_request_cap),
        )
        self._queue = Queue(self._client, is_asked=settings.asks_for_queue)
        self._zones: dict[str, ZoneInfo] = {}
        self._wrong: Counter[str] = Counter()  # how often a unit's file was wrong

    def redact(self, text: str) -> str:
        """The text without the token."""
        return self._client.redact(text)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def list_applications(self) -> list[dict[str, Any]]:
        """Applications the token can see: `id`, `name`, `time_zone_name` among their keys."""
        answer = self._client.get_json("/management/v1/applications")
        if isinstance(answer, dict) and isinstance(answer.get("applications"), list):
            return list(answer["applications"])
        raise ServerError(f"{SOURCE}: the list of applications has another form", source=SOURCE)

    def plan(
        self,
        loaded: Mapping[str, LoadedUnit],
        now: datetime,
        scope: Scope = Scope(),
    ) -> Plan:
        """Slices that are new, or to be looked at again; what dies is nothing: history is kept.

        Units are in the order of their as-of moments, table by table, so that the newest complete
        days come before long histories.
        """
        self._read_zones()
        due: list[Unit] = []
        growing: list[Unit] = []
        refusals: dict[str, ApiError] = {}
        for application_id in self.application_ids:
            if application_id not in self._zones:
                refusals[application_id] = _unseen(application_id)
                continue
            for table in self.tables:
                known = [
                    unit
                    for unit in loaded.values()
                    if (unit.application_id, unit.table) == (application_id, table)
                ]
                slices, settling = self._find_due(application_id, table, known, now, scope)
                due += [self._to_unit(application_id, table, one) for one in slices]
                growing += [
                    self._to_unit(application_id, table, DueSlice(span, span.upper_at))
                    for span in settling
                ]
        asked = self._context.journal.jobs(SOURCE)
        return Plan(
            source=SOURCE,
            due=sorted(due, key=lambda unit: (unit.id not in asked, unit.lower_at, unit.id)),
            growing=growing,
            listed=None,
            requests=REQUESTS_PER_UNIT * len(due) + 1,
            quota_per_day=self.settings.daily_request_cap,
            requests_daily=self._count_daily(len(self._zones)),
            refusals=refusals,
        )

    def _count_daily(self, applications: int) -> int:
        """What a day of live loading costs: every slice, each time it is looked at."""
        looks = 0.0
        for table in self.tables:
            rules = self.settings.rules[table]
            is_snapshot = self._axis(table) == SNAPSHOT
            times = 1 if is_snapshot else len(rules.looks(datetime.now(UTC)))
            looks += times * 24 / rules.slice_hours
        return round(looks * applications * REQUESTS_PER_UNIT) + 1

    def _find_due(
        self,
        application_id: str,
        table: str,
        known: Sequence[LoadedUnit],
        now: datetime,
        scope: Scope,
    ) -> tuple[list[DueSlice], list[Span]]:
        zone, rules = self._zone_of(application_id), self.settings.rules[table]
        if self._axis(table) == SNAPSHOT:
            last = known[0] if known else None
            return find_due_snapshot(last, now, zone, rules, scope), []
        _check_axis(table, known, self._axis(table))
        return find_due(known, now, zone, rules, start=self.settings.start, scope=scope)

    def _to_unit(self, application_id: str, table: str, due: DueSlice) -> Unit:
        axis, span = self._axis(table), due.span
        bounds = f"{span.lower_at:%Y%m%dT%H%M%SZ}-{span.upper_at:%Y%m%dT%H%M%SZ}"
        name = axis if axis == SNAPSHOT else f"{axis}/{bounds}"
        fields, filters = self.settings.fields[table], self.settings.filters.get(table, ())
        return Unit(
            id=f"{table}/{application_id}/{name}",
            source=SOURCE,
            table=table,
            application_id=application_id,
            axis=axis,
            lower_at=span.lower_at,
            upper_at=span.upper_at,
            remote_id=name,
            schema_id=_digest((*fields, *map("=".join, filters))),
            vendor_updated_at=due.as_of,
            field_names=fields,
        )

    def _axis(self, table: str) -> str:
        axis = load_tables(SOURCE)[table].axis
        return DEVICE if axis == RECEIVE and self.settings.date_dimension == "default" else axis

    def queue_of(self, unit: Unit) -> str:
        """Every application has a queue of its own."""
        return unit.application_id

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The unit's verified file, once the vendor has made it; see `parts.fetch_unit`."""
        job = ExportJob(
            unit=unit,
            export=self._to_export(unit),
            exchange=Exchange(self._client, spool),
            queue=self._queue,
            settings=self.settings,
            context=self._context,
            must_rebuild=self._wrong[unit.id] > 1,
        )
        return fetch_unit(job, spool)

    def _to_export(self, unit: Unit) -> Export:
        dates, dimension = ("", ""), ""
        if unit.axis != SNAPSHOT or (unit.table == "profiles_v2" and self.settings.dates_profiles):
            zone = self._zone_of(unit.application_id)
            is_inclusive = self.settings.is_end_inclusive
            dates = name_dates(unit.lower_at, unit.upper_at, zone, is_inclusive=is_inclusive)
            dimension = self.settings.date_dimension if unit.table != "postbacks" else ""
        return Export(
            resource=load_tables(SOURCE)[unit.table].endpoint,
            format=self.settings.format,
            application_id=unit.application_id,
            dates=dates,
            date_dimension=dimension,
            fields=unit.field_names,
            filters=self.settings.filters.get(unit.table, ()),
        )

    def split(self, unit: Unit) -> list[Unit]:
        """The unit in two; none of a snapshot, or of an hour."""
        if unit.axis == SNAPSHOT or unit.vendor_updated_at is None:
            return []
        span = Span(unit.lower_at, unit.upper_at)
        pieces = halve(span, self._zone_of(unit.application_id))
        due = [DueSlice(piece, unit.vendor_updated_at) for piece in pieces]
        return [self._to_unit(unit.application_id, unit.table, one) for one in due]

    def refresh(self, unit: Unit) -> Unit:
        """The unit: nothing but a new export would say more of it."""
        return unit

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:  # noqa: ARG002 - nobody can tell
        """None: an export is as of the moment it was made."""
        return []

    def distrust(self, unit: Unit) -> None:
        """A file that is wrong twice is not the network's fault: it is made anew."""
        self._wrong[unit.id] += 1

    def _zone_of(self, application_id: str) -> ZoneInfo:
        if application_id not in self._zones:
            self._read_zones()
        return self._zones[application_id]

    def _read_zones(self) -> None:
        """The zones of the applications the token sees, or the one that is set."""
        for item in self.list_applications():
            application_id = str(item.get("id"))
            if application_id in self.application_ids:
                self._zones[application_id] = self.settings.date_zone or _to_zone(item)


def _to_zone(item: Mapping[str, Any]) -> ZoneInfo:
    name = item.get("time_zone_name")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"{SOURCE}: application {item.get('id')} has the time zone {name!r}, which this machine"
            f" does not know: set sources.{SOURCE}.date_zone to an IANA zone"
        ) from None


def _unseen(application_id: str) -> ApiError:
    return AuthError(
        f"{SOURCE}: this token does not see application {application_id}: check"
        f" sources.{SOURCE}.application_ids, and the token's access to the application",
        source=SOURCE,
        status=_FORBIDDEN,
    )


def _check_axis(table: str, known: Iterable[LoadedUnit], axis: str) -> None:
    """Raise ConfigError where units were cut by another time: they would overlap."""
    if other := next((unit.axis for unit in known if unit.axis != axis), ""):
        raise ConfigError(
            f"{SOURCE}.{table} was loaded by {other} time and date_dimension now asks for {axis}"
            f" time: both would hold the same rows. Set sources.{SOURCE}.date_dimension back, or"
            " load into another warehouse."
        )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
