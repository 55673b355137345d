"""Faults on request: what is to go wrong, where, from which request on, and how often."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connector.errors import ConfigError
from connector.sandbox.fault_kinds import FAULT_KINDS, FaultKind, Stage

ENDPOINTS = (
    "any",
    "status",
    "data",
    "settings",
    "applications",
    "export",
    "prepare",
    "download",
    "active_queries",
    "cancel",
    "logsapi",
    "mytracker",
    "create",
    "get",
    "quotas",
    "storage",
    "shortkit",
    "video_create",
    "video_status",
    "video_list",
    "video_cancel",
    "video_file",
    "video_person",
    "video_erase",
    "video_webhooks",
)
"""`export` is every request of an export; `prepare` those that get no file, `download` the rest.

`mytracker` is every request of the raw export API: `create`, `get`, `cancel`, `quotas`, `storage`;
`shortkit` every one of the video export.
"""
_FILE_KINDS = frozenset(
    {
        "cut",
        "gzip_no_trailer",
        "gzip_wrong_length",
        "no_gzip",
        "stall",
        "redirect",
        "rows_number",
        "no_charset",
        "trailing_comma",
        "json_unclosed",
        "csv_cut_in_quotes",
    }
)
"""Kinds that spoil a file: of an export's requests, only those that get one count for them."""
_OF_EXPORTS = frozenset({"export", "create", "mytracker", "video_create", "shortkit"})
"""Endpoints that faults of jobs and of what files hold may be kept to."""
_ADDRESS_KEYS = (
    "kind",
    "endpoint",
    "app",
    "data_type",
    "event",
    "window",
    "window_index",
    "nth",
    "times",
    "from",
    "until",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a fault is matched against; absent parts are "" and 0.

    For an export `phase` is `prepare` or `download` (for MyTracker and ShortKit the name of the
    vendor), and `span` its range in unix seconds.
    """

    endpoint: str
    app: int = 0
    data_type: str = ""
    window: int = 0
    phase: str = ""
    span: tuple[int, int] | None = None

    @property
    def has_file(self) -> bool:
        """False where the answer will be no file for certain."""
        if self.phase == "mytracker":
            return self.endpoint == "storage"
        if self.phase == "shortkit":
            return self.endpoint == "video_file"
        return self.phase != "prepare"


@dataclass(slots=True)
class Fault:
    """One fault. None in an address part matches everything; unix seconds for the bounds.

    `seen` counts matching requests, `used` how often it struck.
    """

    id: int
    kind: str
    stage: Stage
    endpoint: str
    app: int | None
    data_type: str | None
    window: int | None
    nth: int
    times: int
    since: float
    until: float
    params: Mapping[str, Any]
    seen: int = 0
    used: int = 0
    notes: dict[Any, int] = field(default_factory=dict)

    def fits(self, request: Request, now: float, *, any_window: bool = False) -> bool:
        """True where the address fits and the time is within the bounds."""
        return (
            self.endpoint in {"any", request.endpoint, request.phase or "any"}
            and self.app in {None, request.app}
            and self.data_type in {None, request.data_type}
            and (any_window or self._fits_window(request))
            and self.since <= now < self.until
            and (self.kind not in _FILE_KINDS or request.has_file)
        )

    def _fits_window(self, request: Request) -> bool:
        if self.window in {None, request.window}:
            return True
        if request.span is None or self.endpoint == "any" or self.window is None:
            return False
        return request.span[0] <= self.window <= request.span[1]

    def describe(self) -> dict[str, Any]:
        """The fault as `GET /_sandbox/faults` shows it."""
        address = {"app": self.app, "data_type": self.data_type, "window": self.window}
        return {
            "id": self.id,
            "kind": self.kind,
            "endpoint": self.endpoint,
            **{key: value for key, value in address.items() if value is not None},
            "nth": self.nth,
            "times": self.times,
            "seen": self.seen,
            "used": self.used,
            "params": dict(self.params),
        }


class FaultBook:
    """The faults that are set, in the order they were added; safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, declared: Mapping[str, Any], now: datetime) -> Fault:
        """Set a fault given as the mapping a scenario file or POST has; ConfigError if wrong."""
        if declared.get("kind") == "monthly_limit":
            declared = {"until": next_month(now), "times": -1, **declared}
        with self._lock:
            fault = parse_fault(declared, self._next_id)
            self._faults.append(fault)
            self._next_id += 1
        return fault

    def remove(self, fault_id: int | None = None) -> int:
        """Take back one fault, or all of them; how many there were."""
        with self._lock:
            kept = [f for f in self._faults if fault_id is not None and f.id != fault_id]
            removed = len(self._faults) - len(kept)
            self._faults = kept
        return removed

    def all(self) -> tuple[Fault, ...]:
        """Every fault that is set."""
        with self._lock:
            return tuple(self._faults)

    def of_stage(self, stage: Stage) -> tuple[Fault, ...]:
        """The faults that act at this stage."""
        return tuple(fault for fault in self.all() if fault.stage == stage)

    def strike(self, request: Request, now: float, stage: Stage = "answer") -> list[Fault]:
        """The faults of a stage that hit this; counts it against their `nth` and `times`."""
        hits: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if fault.stage != stage or not fault.fits(request, now):
                    continue
                fault.seen += 1
                if fault.seen >= fault.nth and (fault.times < 0 or fault.used < fault.times):
                    fault.used += 1
                    hits.append(fault)
        return hits


def parse_fault(declared: Mapping[str, Any], fault_id: int) -> Fault:
    """A `Fault` from its mapping; ConfigError names the wrong key."""
    kind = FAULT_KINDS.get(str(declared.get("kind")))
    if kind is None:
        raise ConfigError(
            f"fault kind {declared.get('kind')!r} is none of {', '.join(FAULT_KINDS)}"
        )
    where = f"fault {kind.name!r}"
    given = {key: value for key, value in declared.items() if key not in _ADDRESS_KEYS}
    given |= given.pop("params", {})
    if unknown := sorted(set(given) - set(kind.params)):
        raise ConfigError(f"{where}: unknown keys {unknown}; its own are {sorted(kind.params)}")
    endpoint = str(declared.get("endpoint", kind.endpoint))
    if endpoint not in ENDPOINTS:
        raise ConfigError(f"{where}: endpoint {endpoint!r} is none of {ENDPOINTS}")
    if kind.stage != "answer" and endpoint not in _OF_EXPORTS:
        endpoint = "any"
    for name, value in given.items():
        _check_param(kind, name, value)
    app, window = declared.get("app"), declared.get("window")
    if kind.name == "skip_windows" and window is None:
        raise ConfigError(f"{where}: `window` or `window_index` is needed")
    return Fault(
        id=fault_id,
        kind=kind.name,
        stage=kind.stage,
        endpoint=endpoint,
        app=None if app is None else int(app),
        data_type=declared.get("data_type", declared.get("event")),
        window=None if window is None else int(window),
        nth=int(declared.get("nth", 1)),
        times=int(declared.get("times", kind.default_times)),
        since=_parse_bound(declared.get("from"), 0.0),
        until=_parse_bound(declared.get("until"), float("inf")),
        params={**kind.params, **given},
    )


def _check_param(kind: FaultKind, name: str, value: object) -> None:
    choices, default = kind.choices.get(name), kind.params[name]
    if choices is not None and value not in {*choices, ""}:
        raise ConfigError(f"fault {kind.name!r}: {name} = {value!r} is none of {choices}")
    for types in ((int, float), (list, tuple), (dict,)):
        if isinstance(default, types) and not isinstance(value, types):
            wanted = types[0].__name__
            raise ConfigError(f"fault {kind.name!r}: {name} = {value!r} is no {wanted}")


def next_month(moment: datetime) -> datetime:
    """The 1st of the month after `moment`, 00:00 UTC, when a monthly quota renews."""
    moment = moment.astimezone(UTC)
    years, month = divmod(moment.month, 12)
    return datetime(moment.year + years, month + 1, 1, tzinfo=UTC)


def _parse_bound(value: object, default: float) -> float:
    if value is None:
        return default
    if isinstance(value, int | float):
        return float(value)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigError(f"fault bound {value!r} is neither unix seconds nor ISO 8601") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
