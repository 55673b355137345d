"""How AppMetrica Data Stream is asked: status, windows, settings. Knows no dlt.

Source pages: appmetrica.yandex.com/docs/en/mobile-api/datastream (ref/status, ref/data,
ref/settings-get, ref/settings-post). A listed window is ready at once; there is no queue.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.errors import (
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
from connector.spool import Spool
from connector.units import (
    LoadedUnit,
    Plan,
    Unit,
    changed_units,
    is_settled,
    order_by_urgency,
)

SOURCE = "appmetrica_stream"
BASE_URL = "https://api.appmetrica.yandex.com"
WINDOW = timedelta(seconds=300)
FILE_LIFE = timedelta(days=7)  # how long the vendor keeps a window's file
REQUESTS_PER_DAY = 50_000
MOST_PARALLEL = 10
MANAGEMENT_PER_SECOND = 30
_BAD_REQUEST, _SERVER_ERROR = 400, 500


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

    def redact(self, text: str) -> str:
        """The text without the token."""
        return self.client.redact(text)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def list_applications(self) -> list[dict[str, Any]]:
        """Applications the token can see: `id`, `name`, `time_zone_name` among their keys."""
        answer = self.client.get_json("/management/v1/applications")
        return list(answer.get("applications", ()))

    def read_settings(self, application_id: str) -> dict[str, Any]:
        """The export settings object of one application."""
        answer = self.client.get_json(_settings_path(application_id))
        return dict(answer["settings"])

    def write_settings(self, application_id: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Replace the export settings; returns them as the vendor now has them. New data only."""
        answer = self.client.post_json(_settings_path(application_id), {"settings": settings})
        return dict(answer["settings"])

    def plan(self, loaded: Mapping[str, LoadedUnit], now: datetime) -> Plan:
        """Windows that are new or changed and have settled, against those that still grow.

        A vendor clock ahead of ours does not stop loading: the newest change listed counts as now
        when it is later.
        """
        listed = self.list_units()
        changes = [unit.vendor_updated_at for unit in listed if unit.vendor_updated_at]
        now = max([now, *changes])
        wanted = changed_units(listed, loaded)
        if not self.download_empty:
            wanted = [unit for unit in wanted if unit.declared_rows != 0]
        due = [unit for unit in wanted if is_settled(unit, now, self.settle)]
        growing = [unit for unit in wanted if not is_settled(unit, now, self.settle)]
        return Plan(
            source=SOURCE,
            due=order_by_urgency(due),
            growing=order_by_urgency(growing),
            listed=frozenset(unit.id for unit in listed),
            requests=len(due) + 2 * len(self.application_ids),
            quota_per_day=REQUESTS_PER_DAY,
        )

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

    def download(self, unit: Unit, spool: Spool) -> Path:
        """The verified file of one window; transient failures are tried again.

        Raises LossError when the window is gone, QuotaError at 400 (plan or monthly limit),
        ServerError at 500 (the vendor says not to ask again).
        """
        for attempt in self.client.attempts():
            with attempt:
                try:
                    return self._download_once(unit, spool)
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


def parse_status(
    body: Any, application_id: str, tables: Sequence[str], *, schema_split: bool = True
) -> list[Unit]:
    """The windows of a status document, for the data types in `tables`.

    Unknown keys are ignored, windows may come in any order. A window listed under two schema ids
    is two units, or one with `schema_split` off. Raises ServerError when the document is no status.
    """
    try:
        status = body["status"]
        schemas = {
            str(schema["export_schema_id"]): tuple(schema["field_names"])
            for schema in status.get("export_fields", ())
        }
        units = [
            _to_unit(window, stream["data_type"], application_id, schemas)
            for stream in status.get("streams", ())
            if stream["data_type"] in tables
            for window in stream.get("stream_windows", ())
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ServerError(
            f"{SOURCE}: the status of application {application_id} is not of the documented"
            f" form: {type(error).__name__}: {error}",
            source=SOURCE,
        ) from error
    return units if schema_split else _join_schemas(units)


def _join_schemas(units: Iterable[Unit]) -> list[Unit]:
    """One unit per window: counts added up, fields of all its schemas, its newest change."""
    joined: dict[str, Unit] = {}
    for unit in units:
        key = unit.id.rsplit("/", 1)[0]
        other = joined.get(key)
        joined[key] = replace(unit, id=key) if other is None else _join(other, unit)
    return list(joined.values())


def _join(one: Unit, other: Unit) -> Unit:
    times = [time for time in (one.vendor_updated_at, other.vendor_updated_at) if time]
    return replace(
        one,
        schema_id=f"{one.schema_id}+{other.schema_id}",
        declared_rows=(one.declared_rows or 0) + (other.declared_rows or 0),
        declared_bytes=(one.declared_bytes or 0) + (other.declared_bytes or 0),
        vendor_updated_at=max(times, default=None),
        field_names=tuple(dict.fromkeys((*one.field_names, *other.field_names))),
    )


def _to_unit(
    window: dict[str, Any], table: str, application_id: str, schemas: dict[str, tuple[str, ...]]
) -> Unit:
    key = int(window["stream_window_timestamp"])
    schema_id = str(window.get("export_schema_id", ""))
    lower_at = datetime.fromtimestamp(key, UTC)
    updated = window.get("update_timestamp")
    return Unit(
        id=f"{application_id}/{table}/{key}/{schema_id}",
        source=SOURCE,
        table=table,
        application_id=application_id,
        axis="window",
        lower_at=lower_at,
        upper_at=lower_at + WINDOW,
        remote_id=str(key),
        declared_rows=_optional_int(window.get("event_count")),
        declared_bytes=_optional_int(window.get("payload_bytes")),
        schema_id=schema_id,
        vendor_updated_at=None if updated is None else datetime.fromtimestamp(int(updated), UTC),
        expires_at=lower_at + FILE_LIFE,
        field_names=schemas.get(schema_id, ()),
    )


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


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
