"""The law, for ShortKit beside AppMetrica: any history of days gives what one full build gives."""

import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.warehouse.models import load_graph
from tests.unit.warehouse.raw_warehouse import (
    RawUnit,
    Row,
    at,
    copy_warehouse,
    create_raw,
    forget_stored,
    load_units,
    rows_of,
    run_all,
)

SHORTKIT = "shortkit"
DAYS = ("2024-05-01", "2024-05-02")
TIMES = ("00:00:01", "00:00:02", "12:00:00", "23:59:59")
EVENTS = {
    "events": ("impression", "playStart", "watchProgress", "completion", "swipe", "feedEntry"),
    "quality": ("rebuffer", "error", "qualityChange"),
    "ads": ("impression", "completion", "click", "adImpression", "adComplete"),
}
DATA: dict[str, Any] = {
    "startupTime": 300,
    "currentTime": 2.1,
    "percentComplete": 33.3,
    "watchTime": 10.1,
    "fromContentId": "c1",
    "watchTimeOnFrom": 0.7,
    "duration": 250,
    "adId": "a1",
    "adNetworkId": "admob",
    "loopCount": 2,
    "entryPoint": "feed",
}


@st.composite
def feed_rows(draw: st.DrawFn, table: str, day: str) -> Row:
    keys = draw(st.lists(st.sampled_from(sorted(DATA)), unique=True, max_size=6))
    return {
        "event": draw(st.sampled_from(EVENTS[table])),
        "content_id": draw(st.sampled_from(("c1", "c2", None))),
        "user_id": draw(st.sampled_from(("u1", "anonymous"))),
        "device_id": draw(st.sampled_from(("d1", None))),
        "session_id": draw(st.sampled_from(("s1", "s2", None))),
        "device_type": draw(st.sampled_from(("ios", None))),
        "timestamp": at(f"{day} {draw(st.sampled_from(TIMES))}"),
        "data": json.dumps({key: DATA[key] for key in keys}),
    }


@st.composite
def parts(draw: st.DrawFn) -> RawUnit:
    """One day of one table."""
    table, day = draw(st.sampled_from(sorted(EVENTS))), draw(st.sampled_from(DAYS))
    rows = draw(st.lists(feed_rows(table, day), max_size=6))
    lower = at(f"{day} 00:00")
    return RawUnit(
        f"{table}/{day}",
        table,
        rows,
        app="shortkit",
        source=SHORTKIT,
        axis="event_day",
        lower=lower,
    )


def contents(connection: DuckDBPyConnection) -> dict[str, list[Any]]:
    stored = [model.name for model in load_graph().models.values() if model.is_stored]
    return {name: rows_of(connection, f"FROM {name} ORDER BY ALL") for name in stored}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    history=st.lists(st.lists(parts(), min_size=1, max_size=6), min_size=2, max_size=3),
    seed=st.integers(0, 99),
)
def test_incremental_is_a_full_rebuild_for_days_exported_again(
    history: list[list[RawUnit]], seed: int
) -> None:
    final = list({unit.unit: unit for package in history for unit in package}.values())
    random.Random(seed).shuffle(final)
    with TemporaryDirectory() as folder:
        step_by_step = copy_warehouse(Path(folder) / "steps.duckdb")
        create_raw(step_by_step, source=SHORTKIT)
        for number, package in enumerate(history):
            newest = list({unit.unit: unit for unit in package}.values())
            load_units(step_by_step, f"170000000{number}.5", newest, append=number % 2 == 1)
            run_all(step_by_step)
        at_once = copy_warehouse(Path(folder) / "once.duckdb")
        create_raw(at_once, source=SHORTKIT)
        forget_stored(at_once)
        load_units(at_once, "1700000000.5", final)
        run_all(at_once)
        assert contents(step_by_step) == contents(at_once)
        step_by_step.close()
        at_once.close()
