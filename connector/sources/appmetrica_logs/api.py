"""How the AppMetrica Logs API is asked: what is due, exports, the queue. Knows no dlt.

Source pages: appmetrica.yandex.com/docs/en/mobile-api/logs (request flow, parameters, resources).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.context import ApiContext
from connector.errors import ApiError, AuthError, ConfigError, ServerError
from connector.fields import load_tables
from connector.http import ApiClient, Retry
from connector.jobs import RemoteJob
from connector.sources.appmetrica_logs.agenda import Agenda, count_daily
from connector.sources.appmetrica_logs.exchange import Exchange
from connector.sources.appmetrica_logs.export import SOURCE
from connector.sources.appmetrica_logs.job import ExportJob
from connector.sources.appmetrica_logs.logs_settings import LogsSettings
from connector.sources.appmetrica_logs.parts import fetch_unit
from connector.sources.appmetrica_logs.queue import Queue
from connector.sources.appmetrica_logs.slices import first_day
from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Scope, Unit

OURS = 2  # places of an application's queue that we take: one of the three is left to people
MANAGEMENT_PER_SECOND = 30
REQUESTS_PER_UNIT = 6  # to ask, to look at the queue, and some polls: a day's export takes a minute
_FORBIDDEN = 403


class LogsApi:
    """The API with one token; thread-safe. `settings` say what to load, `context` for which run."""

    source = SOURCE
    parallel = OURS

    def __init__(self, settings: LogsSettings, context: ApiContext) -> None:
        self.settings, self._context = settings, context
        self.application_ids, self.tables = settings.application_ids, settings.tables
        self.schemas = load_tables(SOURCE)
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
        self._queue = Queue(self._client, is_asked=settings.asks_for_queue, warn=context.warn)
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
        """Slices that are new, or to be looked at again. Nothing dies: the vendor keeps history.

        What was asked for comes first, then the newest: a long history holds up no new day.
        """
        self._read_zones()
        by_table: dict[tuple[str, str], list[LoadedUnit]] = defaultdict(list)
        for unit in loaded.values():
            by_table[unit.application_id, unit.table].append(unit)
        due, growing = list[Unit](), list[Unit]()
        refusals: dict[str, ApiError] = {}
        for application_id in self.application_ids:
            if application_id not in self._zones:
                refusals[application_id] = _unseen(application_id)
                continue
            for table in self.tables:
                agenda = Agenda(self.settings, application_id, table, self._zones[application_id])
                known = by_table[application_id, table]
                start = self._find_start(agenda, known, now)
                ready, settling = agenda.find_units(known, start, now, scope)
                due += ready
                growing += settling
        asked = self._context.journal.jobs(SOURCE)
        return Plan(
            source=SOURCE,
            due=sorted(due, key=lambda unit: (unit.id not in asked, now - unit.upper_at, unit.id)),
            growing=growing,
            listed=None,
            requests=REQUESTS_PER_UNIT * len(due) + 1,
            quota_per_day=self.settings.daily_request_cap,
            requests_daily=REQUESTS_PER_UNIT * round(count_daily(self.settings) * len(self._zones))
            + 1,
            refusals=refusals,
        )

    def _find_start(self, agenda: Agenda, known: Sequence[LoadedUnit], now: datetime) -> datetime:
        """Where live loading of the table begins: as set, or where it began. A backfill of older
        times does not move it.
        """
        if self.settings.start is not None:
            return self.settings.start
        scope = f"{SOURCE}/{agenda.application_id}/{agenda.table}"
        return self._context.journal.begin(scope, first_day(known, now, agenda.zone))

    def queue_of(self, unit: Unit) -> str:
        """Every application has a queue of its own."""
        return unit.application_id

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The unit's verified file, once the vendor has made it; see `parts.fetch_unit`."""
        job = ExportJob(
            unit=unit,
            export=self._agenda_of(unit).to_export(unit),
            exchange=Exchange(self._client, spool),
            queue=self._queue,
            settings=self.settings,
            context=self._context,
            is_asked=self._wrong[unit.id] == 1,
            must_rebuild=self._wrong[unit.id] > 1,
        )
        return fetch_unit(job, spool)

    def split(self, unit: Unit) -> list[Unit]:
        """The unit in two; none of a snapshot, or of an hour."""
        return self._agenda_of(unit).split(unit, self._context.clock.now())

    def _agenda_of(self, unit: Unit) -> Agenda:
        zone = self._zone_of(unit.application_id)
        return Agenda(self.settings, unit.application_id, unit.table, zone)

    def refresh(self, unit: Unit) -> Unit:
        """The unit: nothing but a new export would say more of it."""
        return unit

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:  # noqa: ARG002 - nobody can tell
        """None: an export is as of the moment it was made."""
        return []

    def distrust(self, unit: Unit) -> None:
        """A wrong file is fetched once more; one that is wrong twice is made anew."""
        self._wrong[unit.id] += 1

    def list_jobs(self) -> list[RemoteJob]:
        """Every application's queue, and what the journal has of requests the queue does not show."""
        asked = self._context.journal.jobs(
            SOURCE
        )  # url, "" while only the intent is known, by unit
        own = {_application_of(unit) for unit in asked}
        jobs = [
            RemoteJob(
                id=query.request_id,
                source=SOURCE,
                application_id=application_id,
                table=query.resource,
                unit=next((unit for unit, url in asked.items() if query.is_of(url)), ""),
                asked_at=query.created_at,
                progress=query.progress,
            )
            for application_id in dict.fromkeys((*self.application_ids, *sorted(own)))
            for query in self._queue.read(application_id) or ()
        ]
        shown = {job.unit for job in jobs}
        return jobs + [self._to_job(unit) for unit in asked if unit not in shown]

    def _to_job(self, unit_id: str) -> RemoteJob:
        table, _, _ = unit_id.partition("/")
        known = self._context.journal.job(unit_id)
        asked_at = known[1] if known else None
        return RemoteJob("", SOURCE, _application_of(unit_id), table, unit_id, asked_at)

    def cancel_job(self, job: RemoteJob) -> bool:
        """Take a request back; the vendor makes no difference between ours and others'."""
        is_there = bool(job.id)
        if is_there:
            self._queue.cancel(job.application_id, job.id)
        self._context.journal.forget_job(job.unit)
        return is_there

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


def _application_of(unit_id: str) -> str:
    return unit_id.split("/")[1]


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
