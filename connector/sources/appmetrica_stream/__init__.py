"""AppMetrica Data Stream: 5-minute windows of an app's processed data, kept for 7 days."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dlt
from dlt.common.typing import TSecretStrValue
from dlt.sources import DltSource

from connector.api import ApiContext
from connector.decode import Options
from connector.live import live_source
from connector.settings import THROTTLE_CODES, Section
from connector.sources.appmetrica_stream.api import (
    BASE_URL,
    MOST_PARALLEL,
    StreamApi,
    check_tables,
)
from connector.sources.appmetrica_stream.status import SOURCE


@dlt.source(name=SOURCE, section=SOURCE, max_table_nesting=0)
def appmetrica_stream(  # noqa: PLR0917 - a source's signature is its configuration
    base_url: str = BASE_URL,
    token: TSecretStrValue = dlt.secrets.value,
    application_ids: Any = dlt.config.value,
    tables: Any = None,
    settle_minutes: float = 10.0,
    parallel: int = 8,
    timeout_seconds: float = 60.0,
    throttle_codes: Any = None,
    download_empty: bool = True,
    schema_split: bool = True,
    json_layout: str = "auto",
    empty_text: str = "null",
) -> DltSource:
    """Windows of AppMetrica Data Stream, one resource per data type.

    `application_ids` and `tables` are lists, or text with commas; no `tables` means all 13.
    A window is loaded once nothing was added to it for `settle_minutes`, at most `parallel` (10)
    at once. `json_layout` is auto, lines, object or array; `empty_text` is null or keep;
    `schema_split` off joins the entries of a window that is listed under two schema ids;
    `download_empty` off passes over windows that are listed with no rows.

    Source page: appmetrica.yandex.com/docs/en/mobile-api/datastream.
    """
    settings = {
        "base_url": base_url,
        "token": token,
        "application_ids": application_ids,
        "tables": tables,
        "settle_minutes": settle_minutes,
        "parallel": parallel,
        "timeout_seconds": timeout_seconds,
        "throttle_codes": throttle_codes,
        "download_empty": download_empty,
        "schema_split": schema_split,
        "json_layout": json_layout,
        "empty_text": empty_text,
    }
    return live_source(lambda context: make_api(settings, context), make_options(settings))


def make_api(settings: Mapping[str, Any], context: ApiContext) -> StreamApi:
    """The API of these settings; raises ConfigError naming the first one that is wrong."""
    section = Section(SOURCE, settings)
    return StreamApi(
        base_url=section.text("base_url"),
        token=section.text("token"),
        application_ids=section.numeric_ids("application_ids"),
        tables=check_tables(section.names("tables")),
        settle=timedelta(minutes=section.number("settle_minutes", 0, 7 * 24 * 60)),
        parallel=int(section.number("parallel", 1, MOST_PARALLEL)),
        timeout_s=section.number("timeout_seconds", 1, 3600),
        throttle_codes=tuple(
            int(code) for code in section.numeric_ids("throttle_codes", THROTTLE_CODES)
        ),
        download_empty=section.flag("download_empty"),
        schema_split=section.flag("schema_split"),
        count=context.count,
    )


def make_options(settings: Mapping[str, Any]) -> Options:
    """How the files of these settings are read."""
    section = Section(SOURCE, settings)
    layout = section.choice("json_layout", "auto", "lines", "object", "array")
    return Options(
        json_layout=layout,  # type: ignore[arg-type]
        keep_empty=section.choice("empty_text", "null", "keep") == "keep",
    )
