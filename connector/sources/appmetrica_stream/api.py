"""How AppMetrica Data Stream is asked: status, windows, settings. Knows no dlt.

Source pages: appmetrica.yandex.com/docs/en/mobile-api/datastream (ref/status, ref/data,
ref/settings-get, ref/settings-post). A listed window is ready at once; there is no queue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.errors import (
    ApiError,
    AuthError,
    ConfigError,
    DownloadError,
    LossError,
    NotFoundError,
    QuotaError,
    RequestError,
    ServerError,
)
from connector.fields import Table, load_tables
from connector.http import ApiClient
from connector.jobs import RemoteJob
from connector.sources.appmetrica_stream.status import SOURCE, parse_status
from connector.spool import Spool
from connector.units import (
    LoadedUnit,
    Plan,
    Scope,
    Unit,
    changed_units,
    is_settled,
    order_by_urgency,
)

BASE_URL = "https://api.appmetrica.yandex.com"
REQUESTS_PER_DAY = 50_000
MOST_PARALLEL = 10
MANAGEMENT_PER_SECOND = 30
_BAD_REQUEST, _UNAUTHORIZED, _SERVER_ERROR = 400, 401, 500


@dataclass(frozen=True, slots=True)
class StreamApi:
    """The API with one token. `tables` are the data types to load, `application_ids` the apps.

    Thread-safe. `count` is told the kind of every request before it is sent, and the daily
    limit it counts against.
    """

    base_url: str
    token: str = field(repr=False)
    application_ids: tuple[str, ...]
    tables: tuple[str, ...]
    settle: timedelta = timedelta(minutes=10)
    parallel: int = 8
    throttle_codes: tuple[int, ...] = (420, 429)
    timeout_s: float = 60.0
    download_empty: bool = True
    schema_split: bool = True
    count: Callable[[str, int], None] = lambda _kind, _limit: None
    source: str = SOURCE
    client: ApiClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        client = ApiClient(
            source=SOURCE,
            base_url=self.base_url,
            headers={"Authorization": f"OAuth {self.token}"},
            setting=f"sources.{SOURCE}.token",
            right="the scope appmetrica:read (appmetrica:write to change settings)"
            " and access to the application",
            connections=self.parallel,
            timeout_s=self.timeout_s,
            per_second=MANAGEMENT_PER_SECOND,
            throttle_codes=self.throttle_codes,
            count=lambda kind: self.count(kind, REQUESTS_PER_DAY),
        )
        object.__setattr__(self, "client", client)

    @property
    def schemas(self) -> Mapping[str, Table]:
        """The data types as the field tables declare them."""
        return load_tables(SOURCE)

    def redact(self, text: str) -> str:
        """The text without the token."""
        return self.client.redact(text)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def list_applications(self) -> list[dict[str, Any]]:
        """Applications the token can see: `id`, `name`, `time_zone_name` among their keys."""
        answer = self.client.get_json("/management/v1/applications")
        return list(_take(answer, "applications"))

    def read_settings(self, application_id: str) -> dict[str, Any]:
        """The export settings object of one application."""
        return dict(_take(self.client.get_json(_settings_path(application_id)), "settings"))

    def write_settings(self, application_id: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Replace the export settings; returns them as the vendor now has them. New data only."""
        answer = self.client.post_json(_settings_path(application_id), {"settings": settings})
        return dict(_take(answer, "settings"))

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime, scope: Scope = Scope()) -> Plan:
        """Windows that are new or changed and have settled, against those that still grow.

        A vendor clock ahead of ours does not stop loading: the newest change listed counts as now
        when it is later. An application the vendor refuses stops no other.
        """
        loaded = {} if scope.is_reload else loaded
        listed, refusals = self._list_allowed()
        changes = [unit.vendor_updated_at for unit in listed if unit.vendor_updated_at]
        now = max([now, *changes])
        wanted = changed_units(listed, loaded)
        if not self.download_empty:
            wanted = [unit for unit in wanted if unit.declared_rows != 0 or unit.id in loaded]
        due = [unit for unit in wanted if is_settled(unit, now, self.settle)]
        growing = [unit for unit in wanted if not is_settled(unit, now, self.settle)]
        return Plan(
            source=SOURCE,
            due=order_by_urgency(due),
            growing=order_by_urgency(growing),
            listed=frozenset(unit.id for unit in listed),
            requests=len(due) + 2 * len(self.application_ids),
            quota_per_day=REQUESTS_PER_DAY,
            refusals=refusals,
        )

    def _list_allowed(self) -> tuple[list[Unit], dict[str, ApiError]]:
        """Windows of the applications that may be seen, and a refusal for each of the others."""
        listed: list[Unit] = []
        refusals: dict[str, ApiError] = {}
        for application_id in self.application_ids:
            try:
                listed += self.list_windows(application_id)
            except (AuthError, NotFoundError) as error:
                if error.status == _UNAUTHORIZED:
                    raise
                refusals[application_id] = error
        return listed, refusals

    def refresh(self, unit: Unit) -> Unit | None:
        """The window as status lists it now; None when it is gone."""
        windows = self.list_windows(unit.application_id)
        return next((window for window in windows if window.id == unit.id), None)

    def find_moved(self, units: Sequence[Unit]) -> list[Unit]:
        """Those of `units` whose window has grown since: the vendor advises to check
        `update_timestamp` after a download.
        """
        known = {unit.id: unit.revision for unit in units}
        applications = dict.fromkeys(unit.application_id for unit in units)
        listed = [window for app in applications for window in self.list_windows(app)]
        return [
            window for window in listed if known.get(window.id, window.revision) != window.revision
        ]

    def list_units(self) -> list[Unit]:
        """Every window of every application and table that status lists now, growing ones too."""
        return [unit for app in self.application_ids for unit in self.list_windows(app)]

    def list_windows(self, application_id: str) -> list[Unit]:
        """The windows of one application, in the order status gives them."""
        path = f"/datastream/v1/application/{application_id}/status"
        body = self.client.get_json(path)
        return parse_status(body, application_id, self.tables, schema_split=self.schema_split)

    def queue_of(self, unit: Unit) -> str:  # noqa: ARG002 - a listed window is ready at once
        """All windows are in one lane: there is no queue at the vendor."""
        return ""

    def split(self, unit: Unit) -> list[Unit]:  # noqa: ARG002 - as above
        """A window is as small as it gets."""
        return []

    def distrust(self, unit: Unit) -> None:
        """A window's file is made anew by the vendor alone: there is nothing to ask for."""

    def list_jobs(self) -> list[RemoteJob]:
        """Data Stream has no jobs."""
        return []

    def cancel_job(self, job: RemoteJob) -> bool:  # noqa: ARG002 - as above
        """Nothing to take back."""
        return False

    def download(self, unit: Unit, spool: Spool) -> tuple[Unit, Path]:
        """The verified file of one window; transient failures are tried again.

        Raises LossError when the window is gone, QuotaError at 400 (plan or monthly limit),
        ServerError at 500 (the vendor says not to ask again).
        """
        for attempt in self.client.attempts():
            with attempt:
                try:
                    return unit, self._download_once(unit, spool)
                except NotFoundError as error:
                    raise self._explain_absence(unit, error) from error
        raise AssertionError("unreachable: the last attempt raises")

    def _download_once(self, unit: Unit, spool: Spool) -> Path:
        path = f"/datastream/v1/application/{unit.application_id}/data"
        params = {"data_type": unit.table, "stream_window_timestamp": unit.remote_id}
        try:
            with self.client.stream(path, params=params) as response:
                return spool.store(unit.id, response, may_be_empty=unit.declared_rows == 0)
        except ServerError as error:
            if error.status == _SERVER_ERROR:
                error.is_retryable = False
            raise
        except NotFoundError:
            raise
        except RequestError as error:
            if error.status != _BAD_REQUEST:
                raise
            raise QuotaError(
                f"{error}. This is the plan or the monthly event limit of the organisation:"
                " downloads stop here. Windows are kept 7 days more, then new data is lost; the"
                " limit renews on the 1st of the month, or can be extended in AppMetrica.",
                source=SOURCE,
                status=error.status,
                url=error.url,
            ) from error

    def _explain_absence(self, unit: Unit, error: NotFoundError) -> Exception:
        """A 404 on data: the window is gone, or status still lists it and it is asked again."""
        if self.refresh(unit) is None:
            return LossError(
                f"window {unit.id} is no longer listed by the vendor and was never loaded: its"
                f" {unit.declared_rows} rows cannot be had any more from Data Stream",
                units=[unit.id],
            )
        return DownloadError(f"{error} although status still lists window {unit.id}")


def _take(answer: Any, key: str) -> Any:
    """A member of a management answer; ServerError where the answer has another form."""
    if isinstance(answer, dict) and isinstance(answer.get(key), list | dict):
        return answer[key]
    raise ServerError(f"{SOURCE}: a management answer has no {key!r}", source=SOURCE)


def _settings_path(application_id: str) -> str:
    return f"/management/v1/application/{application_id}/datastream/settings"


def check_tables(names: Sequence[str] | None) -> tuple[str, ...]:
    """The tables to load: all, or those named; raises ConfigError at an unknown one."""
    known: dict[str, Table] = dict(load_tables(SOURCE))
    if not names:
        return tuple(known)
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"sources.{SOURCE}.tables names {unknown}, which Data Stream does not have. Known:"
            f" {', '.join(known)}. Set it in .dlt/config.toml or as"
            f" SOURCES__{SOURCE.upper()}__TABLES."
        )
    return tuple(name for name in known if name in names)
