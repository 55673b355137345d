"""MyTracker raw data export: events as they become available, asked for in jobs."""

from collections.abc import Mapping
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.sources import DltSource

from connector.api import ApiContext
from connector.decode import Options
from connector.fields import Table
from connector.live import live_source
from connector.settings import Section
from connector.sources.mytracker.api import TrackerApi
from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.selectors import extend_tables
from connector.sources.mytracker.tracker_settings import read_settings

BASE_URL = "https://tracker.my.com"


@dlt.source(name=SOURCE, section=SOURCE, max_table_nesting=0)
def mytracker(  # noqa: PLR0917 - a source's signature is its configuration
    base_url: str = BASE_URL,
    api_user_id: TSecretStrValue = dlt.secrets.value,
    secret_key: TSecretStrValue = dlt.secrets.value,
    events: Any = None,
    selectors: Any = None,
    roles: Any = None,
    selector_types: Any = None,
    id_apps: Any = None,
    sdk_keys: Any = None,
    filters: Any = None,
    timezone: str = "UTC",
    start: Any = None,
    slice_hours: float = 1.0,
    poll_seconds: float = 15.0,
    deadline_hours: float = 3.0,
    max_jobs: int = 2,
    future_sweep_days: float = 7.0,
    payments_reload_days: float = 0.0,
    installs_reload_days: float = 0.0,
    bounds: str = "inclusive",
    cut_by_tsinsert: str = "auto",
    event_floor: int = 0,
    create_form: str = "query",
    file_hosts: Any = None,
    sign_downloads: str = "auto",
    count_downloads: bool = True,
    hourly_request_cap: int = 600,
    retries: int = 5,
    timeout_seconds: float = 60.0,
    empty_text: str = "null",
) -> DltSource:
    """Raw exports of MyTracker, one resource per event; the README tells of every key. `selectors`,
    `roles` and `filters` are maps by event.

    Source page: tracker.my.com/docs/api/export-api/raw/create.
    """
    settings = dict(locals())
    return live_source(lambda context: make_api(settings, context), make_options(settings))


def make_api(settings: Mapping[str, Any], context: ApiContext) -> TrackerApi:
    """The API of these settings; raises ConfigError naming the first one that is wrong."""
    return TrackerApi(read_settings(settings), context)


def make_options(settings: Mapping[str, Any]) -> Options:
    """How the files of these settings are read."""
    section = Section(SOURCE, settings)
    keep_empty = section.choice("empty_text", "null", "keep") == "keep"
    return Options(guards_header=True, keep_empty=keep_empty)


def make_tables(settings: Mapping[str, Any]) -> Mapping[str, Table]:
    """All tables there are, with the columns and meanings that the settings add to them."""
    return extend_tables(Section(SOURCE, settings))
