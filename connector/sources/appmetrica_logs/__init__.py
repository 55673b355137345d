"""AppMetrica Logs API: exports of an app's records by receive time, prepared in the vendor's queue."""

from collections.abc import Mapping
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.sources import DltSource

from connector.api import ApiContext
from connector.decode import Options
from connector.live import live_source
from connector.settings import Section
from connector.sources.appmetrica_logs.api import LogsApi
from connector.sources.appmetrica_logs.export import BASE_URL, FORMATS, SOURCE
from connector.sources.appmetrica_logs.logs_settings import read_settings


@dlt.source(name=SOURCE, section=SOURCE, max_table_nesting=0)
def appmetrica_logs(  # noqa: PLR0917 - a source's signature is its configuration
    base_url: str = BASE_URL,
    token: TSecretStrValue = dlt.secrets.value,
    application_ids: Any = dlt.config.value,
    tables: Any = None,
    start: Any = None,
    date_dimension: str = "receive",
    slice_hours: float = 24.0,
    settle_minutes: float = 10.0,
    close_after_hours: float = 24.0,
    lookback_days: float = 0.0,
    late_days: float = 14.0,
    poll_seconds: float = 10.0,
    deadline_hours: float = 6.0,
    fields: Any = None,
    filters: Any = None,
    format: str = "csv",  # noqa: A002 - the vendor's word
    drop_unknown_fields: bool = False,
    profiles_dates: bool = False,
    freshness: str = "no_cache_once",
    use_active_queries: str = "auto",
    max_parts: int = 64,
    check_rows_number: bool = True,
    date_until: str = "inclusive",
    date_zone: str = "app",
    daily_request_cap: int = 2_500,
    retries: int = 5,
    timeout_seconds: float = 60.0,
    throttle_codes: Any = None,
    empty_text: str = "null",
) -> DltSource:
    """Exports of the AppMetrica Logs API, one resource per table; the README tells of every key.

    `application_ids` and `tables` are lists, or text with commas; no `tables` means all 13. `fields`
    and `filters` are maps by table: what to export, and the values rows must have.

    Source page: appmetrica.yandex.com/docs/en/mobile-api/logs.
    """
    settings = dict(locals())
    return live_source(lambda context: make_api(settings, context), make_options(settings))


def make_api(settings: Mapping[str, Any], context: ApiContext) -> LogsApi:
    """The API of these settings; raises ConfigError naming the first one that is wrong."""
    return LogsApi(read_settings(settings), context)


def make_options(settings: Mapping[str, Any]) -> Options:
    """How the files of these settings are read."""
    section = Section(SOURCE, settings)
    is_json = section.choice("format", *FORMATS) == "json"
    return Options(
        json_layout="object" if is_json else "auto",
        exact_header=True,
        keep_empty=section.choice("empty_text", "null", "keep") == "keep",
    )
