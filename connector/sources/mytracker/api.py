"""How MyTracker is asked: what is due, exports, files. Knows no dlt.

Source pages: tracker.my.com/docs/api/export-api (authorisation, quotas, raw data export).
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from connector.context import ApiContext
from connector.errors import (
    DownloadError,
    NotFoundError,
    RequestError,
    StillWaitingError,
    TooLargeError,
)
from connector.http import ApiClient, Retry
from connector.jobs import RemoteJob
from connector.sources.mytracker.advice import find_advice, name_unknown, show_quotas
from connector.sources.mytracker.agenda import INSERTED, Agenda
from connector.sources.mytracker.allowance import Allowance
from connector.sources.mytracker.calls import QUOTAS_PATH, SOURCE, Calls
from connector.sources.mytracker.export import read_state
from connector.sources.mytracker.files import Files
from connector.sources.mytracker.job import ExportJob, Strays, cancel_export
from connector.sources.mytracker.signing import AuthHMAC
from connector.sources.mytracker.tracker_settings import TrackerSettings
from connector.sources.mytracker.windows import FIRST_LOOK
from connector.spool import Spool
from connector.units import LoadedUnit, Plan, Scope, Unit

HOURS_PER_DAY = 24
EXPECTED_PAUSES = 20  # what an export takes, in first pauses, until one of its event was seen


class TrackerApi:
    """The API with one pair of credentials; thread-safe."""

    source = SOURCE

    def __init__(self, settings: TrackerSettings, context: ApiContext) -> None:
        self.settings, self._context = settings, context
        self.parallel, self.schemas = settings.max_jobs, settings.tables
        self.tables = tuple(settings.tables)
        self.application_ids = tuple(dict.fromkeys(map(settings.name_app, self.tables)))
        self._auth = AuthHMAC(settings.api_user_id, settings.secret_key, settings.base_url)
        self._client = ApiClient(
            source=SOURCE,
            base_url=settings.base_url,
            headers={},
            auth=self._auth,
            secrets=(settings.secret_key,),
            setting=f"sources.{SOURCE}.api_user_id and secret_key",
            right="the right to export raw data of the account",
            connections=settings.max_jobs,
            timeout_s=settings.timeout_s,
            follows_redirects=False,
            retry=Retry(settings.retries + 1),
            count=lambda kind: context.count(kind, HOURS_PER_DAY * settings.hourly_request_cap),
        )
        allowance = Allowance(SOURCE, settings.hourly_request_cap, context)
        self._calls = Calls(self._client, allowance, context, settings.retries)
        self._strays = Strays()
        self._trusted: set[str] = set()  # units whose rows cannot be cut
        self._pieces: set[str] = set()  # units that were cut from larger ones
        self._refused: dict[str, RequestError] = {}  # why the vendor takes no request, by table
        self._lock = threading.Lock()

    def redact(self, text: str) -> str:
        """The text without the key."""
        return self._client.redact(text)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def list_advice(self) -> list[str]:
        """What the settings leave open."""
        return find_advice(self.settings)

    def describe_access(self) -> str:
        """What the vendor says to these credentials, by the smallest request that needs them."""
        quotas = self._calls.read(QUOTAS_PATH)
        return f"the credentials are taken; quotas: {show_quotas(quotas)}"

    def _agenda(self, table: str) -> Agenda:
        step_s = self._context.journal.size(self._step_scope(table))
        return Agenda(self.settings, self.settings.tables[table], step_s)

    def plan(
        self,
        loaded: Mapping[str, LoadedUnit],
        now: datetime,
        scope: Scope = Scope(),
    ) -> Plan:
        """Intervals that nobody loaded yet, the newest first, and days to be read again. Nothing is
        asked of the vendor for it, and nothing dies: the vendor keeps history.
        """
        for text in name_unknown(self.settings):
            self._context.warn(text)
        by_table: dict[str, list[LoadedUnit]] = defaultdict(list)
        for unit in loaded.values():
            by_table[unit.table].append(unit)
        asked = self._list_asked()
        due, again = list[Unit](), list[Unit]()
        for table in self.tables:
            known = by_table[table]
            own = sorted(unit for unit in asked if unit.partition("/")[0] == table)
            new, old = self._agenda(table).find_units(
                known, own, self._find_start(table, known, now), now, scope
            )
            due += new
            again += old
        wanted = [*_sort(due, asked, now), *_sort(again, asked, now)]
        return Plan(
            source=SOURCE,
            due=wanted,
            growing=[],
            listed=None,
            requests=sum(self._count_requests(unit.table) for unit in wanted),
            quota_per_day=HOURS_PER_DAY * self.settings.hourly_request_cap,
            quota_per_hour=self.settings.hourly_request_cap,
            requests_daily=round(sum(self._count_daily(table) for table in self.tables)),
        )

    def _list_asked(self) -> set[str]:
        """Units that the vendor prepares, and those whose files are here."""
        files = self._context.journal.files(SOURCE)
        return {*self._context.journal.jobs(SOURCE), *(file.unit.id for file in files)}

    def _find_start(self, table: str, known: Sequence[LoadedUnit], now: datetime) -> datetime:
        """Where live loading of the table begins: as set, or where it began. A backfill of older
        times does not move it.
        """
        if self.settings.start is not None:
            return self.settings.start
        first = min((unit.lower_at for unit in known), default=now - FIRST_LOOK)
        return self._context.journal.begin(f"{SOURCE}/{table}", first.replace(microsecond=0))

    def _count_requests(self, table: str) -> int:
        """What an export costs: to ask, to poll for as long as one took lately, to fetch a file."""
        patience = self.settings.patience
        took = self._context.journal.size(_time_scope(table))
        seconds = took or EXPECTED_PAUSES * patience.first_s
        polls, waited_s = 1, 0.0
        for pause_s in patience.pauses():
            if waited_s >= seconds:
                break
            waited_s += pause_s
            polls += 1
        return 1 + polls + self.settings.counts_downloads

    def _count_daily(self, table: str) -> float:
        """Requests of a day of live loading: every interval, and each day that is read again."""
        rules = self.settings.rules[table]
        units = timedelta(days=1) / rules.step + len(rules.later)
        return units * self._count_requests(table)

    def queue_of(self, unit: Unit) -> str:  # noqa: ARG002 - all exports of a user share one queue
        """The API user's one queue."""
        return SOURCE

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The unit's verified file or parts, once the vendor has made them."""
        if unit.table in self._refused:
            raise self._refused[unit.table]
        agenda, journal = self._agenda(unit.table), self._context.journal
        is_trusted = unit.id in self._trusted
        job = ExportJob(
            unit=unit,
            export=agenda.to_export(unit, is_trusted=is_trusted),
            calls=self._calls,
            settings=self.settings,
            context=self._context,
            strays=self._strays,
        )
        try:
            path = Files(self._calls, self._auth, self.settings, self._context, spool).fetch(job)
        except StillWaitingError:
            self._give_up(job)
            raise
        except (TooLargeError, RequestError, DownloadError) as error:
            journal.forget_job(unit.id)
            if isinstance(error, RequestError) and job.is_refused:
                self._refused[unit.table] = error  # the next intervals would be refused alike
            raise
        cut_by = INSERTED if job.export.has_margin else ""
        return replace(unit, remote_id=self._settle(job), cut_by=cut_by), path

    def _settle(self, job: ExportJob) -> str:
        """The export is here: remember how long such a one takes; its id. The journal forgets it with
        the file that it gets.
        """
        journal, unit = self._context.journal, job.unit
        known = journal.job(unit.id)
        if known is None:
            return ""
        took = self._context.clock.now() - known[1]
        journal.remember_size(_time_scope(unit.table), max(1, int(took.total_seconds())))
        return known[0].partition(":")[0]

    def _give_up(self, job: ExportJob) -> None:
        """Somebody stops the run: take back what can be, so that it holds no place in the queue. A run
        whose time is over leaves it to the next one.
        """
        known = self._context.journal.job(job.unit.id)
        is_cancellable = job.state is not None and job.state.is_cancellable
        is_stopped = self._context.stop.is_set()
        if is_stopped and known and is_cancellable and cancel_export(self._calls, known[0]):
            self._context.journal.forget_job(job.unit.id)

    def split(self, unit: Unit) -> list[Unit]:
        """The unit in smaller ones; none where nothing is left to cut."""
        agenda = self._agenda(unit.table)
        pieces = agenda.split(unit, self._context.clock.now())
        if not pieces and agenda.can_cut and self._trust(unit):
            return [unit]  # its margin may be what is too large
        if unit.id not in self._pieces:
            self._shorten(unit.table, pieces)
        self._pieces |= {piece.id for piece in pieces}
        return pieces

    def _shorten(self, table: str, pieces: Sequence[Unit]) -> None:
        """Intervals of the table are no longer than these pieces for the rest of the day. Pieces that
        are too large in their turn change nothing: one crowded second is in few of them.
        """
        scope, journal = self._step_scope(table), self._context.journal
        lengths = [piece.upper_at - piece.lower_at for piece in pieces]
        length_s = int(max(lengths, default=timedelta(days=1)).total_seconds())
        journal.remember_size(scope, min(length_s, journal.size(scope) or length_s))

    def _step_scope(self, table: str) -> str:
        """Under which name the journal keeps the length of intervals: one busy hour is not to make
        all intervals short for ever.
        """
        return f"{SOURCE}/{table}/step/{self._context.clock.now():%Y-%m-%d}"

    def refresh(self, unit: Unit) -> Unit:
        """The unit: nothing but a new export would say more of it."""
        return unit

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:  # noqa: ARG002 - nobody can tell
        """None: an export is as of the moment it was made."""
        return []

    def distrust(self, unit: Unit) -> None:
        """The content of a file is wrong: the next one is asked for without a margin to cut off."""
        if unit.cut_by and self._trust(unit):
            self._context.warn(
                f"unit {unit.id}: {INSERTED} does not tell when its rows became available: it is asked"
                " for once more, with the bounds taken as they are"
            )

    def _trust(self, unit: Unit) -> bool:
        """Ask for the unit without a margin from now on; False where that is so already."""
        with self._lock:
            is_new = unit.id not in self._trusted
            self._trusted.add(unit.id)
            return is_new

    def list_jobs(self) -> list[RemoteJob]:
        """The exports of the journal, each with what the vendor says of it now."""
        return [
            self._to_job(unit_id, job_id)
            for unit_id, job_id in self._context.journal.jobs(SOURCE).items()
        ]

    def _to_job(self, unit_id: str, job_id: str) -> RemoteJob:
        known = self._context.journal.job(unit_id)
        table, export_id = unit_id.partition("/")[0], job_id.partition(":")[0]
        asked_at = known[1] if known else None
        app = self.settings.name_app(table) if table in self.tables else ""
        job = RemoteJob(export_id, SOURCE, app, table, unit_id, asked_at)
        try:
            data = self._calls.get("get", "poll", idRawExport=export_id) if export_id else {}
        except NotFoundError:
            data = {}
        return replace(job, progress=read_state(data).progress)

    def cancel_job(self, job: RemoteJob) -> bool:
        """Take an export back, and forget it."""
        is_taken = bool(job.id) and cancel_export(self._calls, job.id)
        self._context.journal.forget_job(job.unit)
        return is_taken


def _sort(units: Sequence[Unit], asked: Collection[str], now: datetime) -> list[Unit]:
    """What was asked for first, then the newest: a long history holds up no new hour."""
    return sorted(units, key=lambda unit: (unit.id not in asked, now - unit.upper_at, unit.id))


def _time_scope(table: str) -> str:
    return f"{SOURCE}/{table}/seconds"
