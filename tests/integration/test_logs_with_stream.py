"""Both AppMetrica exports of one app, in one warehouse: every event counts once."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.sandbox import App
from connector.warehouse.runner import run_models
from connector.warehouse.store import open_warehouse
from tests.integration.logs_world import DAY_S, LogsWorld, open_logs
from tests.integration.stream_world import GAME, PEOPLED, World

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SCENARIO = replace(
    PEOPLED,
    start=START,
    history_days=2.5,
    apps=(App(GAME, "Game", "Asia/Kolkata"),),
    stream=replace(PEOPLED.stream, expire_days=1.0),
)
Rows = Counter[tuple[Any, ...]]


def sync_stream(world: LogsWorld) -> None:
    """A sync of Data Stream into the same warehouse."""
    tables = {"SOURCES__APPMETRICA_STREAM__TABLES": "event"}
    World(world.sandbox, world.settings, world.env | tables).sync()


def read_union(world: LogsWorld) -> tuple[Rows, Counter[str]]:
    """The rows of core.event, and how many came by each source."""
    with closing(open_warehouse(world.settings)) as connection:
        report = run_models(connection)
        assert report.exit_code in {0, 6}, report.to_json()
        rows = connection.execute(
            "SELECT epoch(received_at), epoch(occurred_at), name, source FROM core.event"
        ).fetchall()
    return Counter(row[:3] for row in rows), Counter(row[3] for row in rows)


def truth_of(world: LogsWorld, until: float) -> Rows:
    rows = world.sandbox.logs_truth(GAME, "events")["rows"]
    return Counter(
        (r["received_at"], r["occurred_at"], r["values"].get("event_name"))
        for r in rows
        if START.timestamp() - 2 * DAY_S <= r["received_at"] < until
    )


def compare_union(world: LogsWorld) -> Counter[str]:
    """Assert that core.event is the population's truth, as far as both exports have come."""
    until = world.sandbox.clock.timestamp() - 3600
    rows, sources = read_union(world)
    since = START.timestamp() - 2 * DAY_S
    found = Counter({row: n for row, n in rows.items() if since <= row[0] < until})
    wanted = truth_of(world, until)
    assert sorted((wanted - found).elements(), key=str)[:9] == []
    assert sorted((found - wanted).elements(), key=str)[:9] == []
    return sources


def test_every_event_counts_once_whichever_export_it_came_by(tmp_path: Path) -> None:
    with open_logs(SCENARIO, tmp_path, tables="events", start="2026-02-28") as world:
        sync_stream(world)
        world.quietly()
        sources = compare_union(world)
        assert set(sources) == {"appmetrica_stream", "appmetrica_logs"}
        world.sandbox.clock.advance(2.5 * DAY_S)
        sync_stream(world)
        world.quietly()
        since = START.replace(hour=0)
        world.quietly(is_backfill=True, since=since, until=since + timedelta(days=2.5))
        compare_union(world)
