"""Marts of playback and ads say what happened in the sandbox, worked out there in another way."""

from collections.abc import Iterator
from dataclasses import replace
from statistics import quantiles
from typing import Any

import pytest

from connector.sandbox import Population
from connector.warehouse.runner import run_models
from connector.warehouse.store import open_warehouse
from tests.integration.shortkit_world import (
    PEOPLE,
    ShortkitWorld,
    open_shortkit,
    show_day,
    with_shortkit,
)

CROWD = replace(
    with_shortkit(PEOPLE, viewers=0.5),
    seed=6,
    population=Population(devices=150, warmup_days=10),
)
KEY = ("day", "content_id", "device_type")
SUMS = (
    *("impressions", "starts", "exits_before_start", "rebuffers", "failures_before_start"),
    *("failures_mid_stream", "completions", "loops"),
)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShortkitWorld]:
    """Three days of a crowd, loaded, and the models; views go on into the first two nights."""
    with open_shortkit(CROWD, tmp_path_factory.mktemp("marts")) as opened:
        opened.quietly()
        connection = open_warehouse(opened.settings)
        report = run_models(connection, check=True)
        connection.close()
        assert [result.error for result in report.models if result.error] == []
        yield opened


def ask(world: ShortkitWorld, sql: str) -> Rows:
    connection = open_warehouse(world.settings, read_only=True)
    found = connection.execute(sql)
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    connection.close()
    return rows


def test_playback_is_what_was_watched(world: ShortkitWorld) -> None:
    days = show_day(-2), show_day(-1)
    truth = world.sandbox.video_truth(*days)["playback"]
    found = ask(
        world,
        "SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM mart.playback_daily"
        f" WHERE day BETWEEN '{days[0]}' AND '{days[1]}'",
    )
    counted = {tuple(row[name] for name in KEY): row for row in found}
    assert len(truth) > 50
    assert counted.keys() == {tuple(row[name] for name in KEY) for row in truth}
    for expected in truth:
        row = counted[tuple(expected[name] for name in KEY)]
        assert {name: row[name] for name in SUMS} == {name: expected[name] for name in SUMS}
        check_ratios(row, expected)


def check_ratios(row: dict[str, Any], expected: dict[str, Any]) -> None:
    """The numbers of a cell that are worked out from others."""
    playing_s, rebuffer_s = expected["playing_s"], expected["rebuffer_ms"] / 1000
    assert row["playing_s"] == pytest.approx(playing_s, abs=0.001)
    assert row["rebuffer_s"] == pytest.approx(rebuffer_s)
    if playing_s + rebuffer_s:
        assert row["rebuffer_ratio"] == pytest.approx(rebuffer_s / (playing_s + rebuffer_s))
    if expected["starts"]:
        assert row["completion_rate"] == expected["completions"] / expected["starts"]
    told = expected["startup_ms"]
    if len(told) > 1:
        quarters = quantiles(told, n=20, method="inclusive")
        assert row["startup_p50_ms"] == pytest.approx(quarters[9])
        assert row["startup_p75_ms"] == pytest.approx(quarters[14])
        assert row["startup_p95_ms"] == pytest.approx(quarters[18])


def test_impressions_are_the_rows_of_that_name(world: ShortkitWorld) -> None:
    rows = ask(world, "SELECT count(*) AS n FROM shortkit.events WHERE event = 'impression'")
    assert (
        ask(world, "SELECT CAST(sum(impressions) AS BIGINT) AS n FROM mart.playback_daily") == rows
    )


def test_ads_are_what_was_shown_and_clicked(world: ShortkitWorld) -> None:
    names = ("impressions", "completions", "clicks")
    truth = world.sandbox.video_truth(show_day(-2), show_day(0))["ads"]
    days = {
        day: tuple(sum(row[name] for row in truth if row["day"] == day) for name in names)
        for day in {row["day"] for row in truth}
    }
    found = ask(
        world,
        "SELECT CAST(day AS VARCHAR) AS day, sum(impressions)::BIGINT AS impressions,"
        " sum(completions)::BIGINT AS completions, sum(clicks)::BIGINT AS clicks"
        " FROM mart.ad_daily GROUP BY day",
    )
    assert {row["day"]: tuple(row[name] for name in names) for row in found} == days
    units = ask(world, "SELECT DISTINCT network, unit FROM mart.ad_daily WHERE unit LIKE 'ad_%'")
    assert {row["unit"] for row in units} >= {
        row["unit"] for row in truth if row["unit"][:3] == "ad_"
    }
    assert len(units) == len({row["unit"] for row in units})  # the network of each ad is known


def test_keys_are_known_and_events_are_all_there(world: ShortkitWorld) -> None:
    assert ask(world, "FROM ops.unknown_payload") == []
    loaded = ask(
        world,
        "SELECT (SELECT count(*) FROM shortkit.events) + (SELECT count(*) FROM shortkit.quality) AS n",
    )
    assert ask(world, "SELECT count(*) AS n FROM core.video_event") == loaded
    assert ask(world, "SELECT source, source_app_id FROM core.app") == [
        {"source": "shortkit", "source_app_id": "shortkit"}
    ]
