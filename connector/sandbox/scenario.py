"""What the sandbox is to be like: frozen data, read from a TOML file or made in Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from connector.errors import ConfigError
from connector.sandbox.clock import ClockMode

READ_TOKEN = "sandbox-read-token"  # noqa: S105 - of an emulator on loopback, not a secret
WRITE_TOKEN = "sandbox-write-token"  # noqa: S105 - as above
API_USER_ID = 77_001
SECRET_KEY = "sandbox-secret-key"  # noqa: S105 - as above
LIVE_KEY = "sk_live_sandbox_key"
TEST_KEY = "sk_test_sandbox_key"
PUBLISHABLE_KEY = "pk_live_sandbox_key"
WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - as above


@dataclass(frozen=True, slots=True)
class App:
    """One application. `zone` is the IANA zone of its `*_datetime` columns.

    `access` is what the tokens may do with it: `edit`, `read` (no settings changes) or `none`.
    """

    id: int
    name: str
    zone: str = "UTC"
    genre: Literal["game", "shop"] = "game"
    created: str = "2024-01-15"
    access: Literal["edit", "read", "none"] = "edit"


@dataclass(frozen=True, slots=True)
class Population:
    """Size and oddity. `devices` per app install between the warm-up's start and the clock's start.

    `awkward_share` is the share of events with a payload that breaks naive readers; NUL bytes are
    among these only when `has_nul`.
    """

    devices: int = 4500
    warmup_days: int = 30
    awkward_share: float = 0.02
    has_nul: bool = False


@dataclass(frozen=True, slots=True)
class StreamType:
    """Initial export settings of one data type (spec section 4.1). Empty `fields` = all known."""

    enabled: bool = True
    export_format: Literal["csv", "json"] = "csv"
    fields: tuple[str, ...] = ()
    include_events: tuple[str, ...] = ()
    exclude_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileShape:
    """How files are spelled where the vendor's text leaves it open (spec section 8)."""

    newline: Literal["crlf", "lf"] = "lf"
    final_newline: bool = True
    bom: bool = False
    quoting: Literal["minimal", "all"] = "minimal"
    json_layout: Literal["object", "array", "lines", "spread"] = "object"
    json_values: Literal["native", "string"] = "string"
    json_empty: Literal["empty", "null", "missing"] = "empty"
    json_arrays: Literal["text", "native"] = "text"


@dataclass(frozen=True, slots=True)
class Stream:
    """Behaviour of the Data Stream API (spec sections 6 to 8). Zero limits are no limits."""

    types: Mapping[str, StreamType] = field(default_factory=dict)
    data_types: tuple[str, ...] = ()
    shape: FileShape = FileShape()
    window_offset_s: int = 10
    empty_windows: Literal["absent", "listed"] = "absent"
    expire_days: float = 7.0
    parallel_downloads: int = 10
    requests_per_day: int = 50_000
    throttle_code: int = 429
    retry_after_s: int = 0
    monthly_events: int = 0
    list_export_format: bool = False


@dataclass(frozen=True, slots=True)
class Logs:
    """Behaviour of the Logs API (spec sections 4 to 8). Zero limits are no limits.

    A query takes `prepare_s` seconds of the sandbox's clock, or `prepare_polls` polls if that is
    not 0. Above `daily_events_limit` app events of all apps per day (UTC) arrive days later.
    """

    prepare_s: float = 0.05
    prepare_polls: int = 0
    queue_places: int = 3
    file_hours: float = 24.0
    has_active_queries: bool = True
    is_enabled: bool = True
    rows_number: bool = False
    has_charset: bool = True
    date_until: Literal["inclusive", "exclusive"] = "inclusive"
    requests_per_day: int = 0
    throttle_code: int = 429
    retry_after_s: int = 0
    daily_events_limit: int = 0
    shape: FileShape = FileShape(json_layout="spread")


@dataclass(frozen=True, slots=True)
class MyTracker:
    """Behaviour of the raw export API (spec sections 3 to 9). Zero limits are no limits.

    Quotas of -1 are the vendor's numbers on a simulated clock and none on the real one, where
    clients poll many times a second. Rows show up `delay_min_s` to `delay_max_s` after they were
    processed, all of `insert_step_s` at one moment.
    """

    prepare_s: float = 0.05
    prepare_polls: int = 0
    places: int = 3
    rows_per_part: int = 200_000
    link_hours: float = 24.0
    link_host: Literal["api", "storage"] = "api"
    file_auth: Literal["required", "optional"] = "required"
    code_in: Literal["both", "body"] = "both"
    bounds: Literal["inclusive", "exclusive"] = "inclusive"
    zero_rows: Literal["header", "list", "missing", "null"] = "header"
    max_rows: int = 0
    delay_min_s: int = 2_460
    delay_max_s: int = 17_460
    insert_step_s: int = 600
    requests_per_second: int = -1
    requests_per_minute: int = -1
    requests_per_hour: int = -1
    errors_per_minute: int = -1
    has_download_quota: bool = False
    shape: FileShape = FileShape()


@dataclass(frozen=True, slots=True)
class ShortKit:
    """Behaviour of the video export API (spec sections 2 to 11). Zero limits are no limits.

    Limits of -1 are the vendor's numbers on a simulated clock and none on the real one. `viewers`
    is the share of the first app's devices that watch videos. An export takes `prepare_s` seconds
    of the sandbox's clock, the first quarter of them queued, or `prepare_polls` polls.
    """

    environment: Literal["live", "test"] = "live"
    viewers: float = 0.03
    prepare_s: float = 0.05
    prepare_polls: int = 0
    places: int = 3
    full_code: Literal[429, 409] = 429
    jobs_per_day: int = -1
    requests_per_minute: int = -1
    has_rate_headers: bool = True
    max_days: int = 30
    retention_days: int = 90
    link_days: float = 7.0
    create_code: Literal[201, 200] = 201
    envelope: Literal["v1", "v2"] = "v1"
    has_idempotency: bool = True
    end_date: Literal["inclusive", "exclusive"] = "inclusive"
    window_clock: Literal["event", "received"] = "event"
    csv_header: Literal["bare", "data"] = "bare"
    newline: Literal["lf", "crlf"] = "lf"
    zero_rows: Literal["file", "no_url", "404"] = "file"
    erase_code: Literal[200, 202, 204] = 200
    person_file: Literal["json", "zip"] = "json"
    scheduled_types: tuple[str, ...] = ("events", "quality")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a sandbox starts from.

    `start` (aware) is the clock's first moment; None is the machine's present. History reaches
    `history_days` back from it. `faults` are the mappings `POST /_sandbox/faults` takes.
    """

    seed: int = 1
    clock: ClockMode = "real"
    start: datetime | None = None
    history_days: float = 3.0
    latency_s: float = 0.0
    read_token: str = READ_TOKEN
    write_token: str = WRITE_TOKEN
    api_user_id: int = API_USER_ID
    secret_key: str = SECRET_KEY
    live_key: str = LIVE_KEY
    test_key: str = TEST_KEY
    publishable_key: str = PUBLISHABLE_KEY
    webhook_secret: str = WEBHOOK_SECRET
    apps: tuple[App, ...] = ()
    population: Population = Population()
    stream: Stream = Stream()
    logs: Logs = Logs()
    mytracker: MyTracker = MyTracker()
    shortkit: ShortKit = ShortKit()
    faults: tuple[Mapping[str, Any], ...] = ()

    def app(self, app_id: int) -> App:
        """The app with this id; ConfigError if the scenario has none."""
        for app in self.apps:
            if app.id == app_id:
                return app
        raise ConfigError(f"the scenario has no app {app_id}; it has {[a.id for a in self.apps]}")


def default_scenario() -> Scenario:
    """The scenario of the demo: real clock, 3 days of history, a game and a shop."""
    json_type = StreamType(export_format="json")
    return Scenario(
        apps=(
            App(4_100_001, "Merge Meadow", zone="Europe/Moscow", genre="game"),
            App(4_100_002, "Corner Shop", zone="America/Sao_Paulo", genre="shop"),
        ),
        stream=Stream(types={"click": json_type, "deeplink": json_type, "push_token": json_type}),
    )


def load_scenario(scenario: "Scenario | Path | str | None") -> Scenario:
    """A scenario as given, from a TOML file, or the default one for None."""
    from connector.sandbox.scenario_file import read_scenario

    if scenario is None:
        return default_scenario()
    return scenario if isinstance(scenario, Scenario) else read_scenario(Path(scenario))
