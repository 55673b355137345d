"""Rows of the video feed: the same in however many steps, and what is counted of them."""

from dataclasses import replace

import pytest

from connector.errors import ConfigError
from connector.sandbox import Scenario, ShortKit
from connector.sandbox.emulator import Emulator
from connector.sandbox.shortkit.files import write_csv
from connector.sandbox.shortkit.naming import rename_row
from connector.sandbox.shortkit.playback_truth import count_ads, count_playback
from connector.sandbox.shortkit.rows import DAY_S, Values, VideoRow, write_day, write_stamp

DAY = 20_514


@pytest.fixture
def watched(scenario: Scenario) -> Scenario:
    """Everybody watches."""
    return replace(scenario, shortkit=ShortKit(viewers=1.0))


def rows_of(emulator: Emulator) -> list[Values]:
    return [row["values"] for row in emulator.shortkit_truth("events")["rows"]]


def test_rows_do_not_depend_on_steps_or_questions(watched: Scenario) -> None:
    at_once, in_steps = Emulator(watched), Emulator(watched)
    at_once.clock.advance(2 * DAY_S)
    for _ in range(8):
        in_steps.clock.advance(DAY_S / 4)
        in_steps.shortkit_truth("quality")
    one, other = rows_of(at_once), rows_of(in_steps)
    assert len(one) == len(other) > 1000
    assert (one == other) is True


def test_other_vendors_do_not_notice_who_watches(scenario: Scenario, watched: Scenario) -> None:
    quiet, busy = Emulator(replace(scenario, shortkit=ShortKit(viewers=0))), Emulator(watched)
    assert rows_of(quiet) == []
    assert len(rows_of(busy)) > 100
    assert (quiet.mytracker_truth("sessions") == busy.mytracker_truth("sessions")) is True
    assert (quiet.logs_truth(11, "events") == busy.logs_truth(11, "events")) is True


def test_viewers_are_people_of_the_first_app(watched: Scenario) -> None:
    emulator = Emulator(watched)
    users = {row["userId"] for row in rows_of(emulator)}
    profiles = {record.device.profile_id for record in emulator.world.records[11]}
    logged_in = {user for user in users if user.startswith("player-")}
    assert logged_in
    assert logged_in <= profiles
    assert all(user.startswith("dev_") for user in users - logged_in)


def test_wrong_controls_are_named(watched: Scenario) -> None:
    emulator = Emulator(watched)
    with pytest.raises(ConfigError, match="is none of events, quality, ads"):
        emulator.shortkit_truth("views")
    with pytest.raises(ConfigError, match="unknown keys"):
        emulator.add_video_export("events", rows=[], window=3)
    with pytest.raises(ConfigError, match="one of rows, body"):
        emulator.add_video_export("events")
    with pytest.raises(ConfigError, match="no user"):
        emulator.erase_person("nobody")
    with pytest.raises(ConfigError, match="no scheduled export"):
        emulator.send_webhook("http://127.0.0.1:9", export_id="exp_1")


def row(number: int, event: str, content: str = "a", **data: object) -> VideoRow:
    """Row `number` of a visit, as many seconds after midnight of DAY."""
    stamp = DAY * DAY_S + number
    values = {"event": event, "contentId": content, "deviceType": "ios", "data": data}
    data_type = "quality" if event in {"rebuffer", "error"} else "events"
    return VideoRow(data_type, "u", stamp, stamp, (1, number), values)  # type: ignore[arg-type]


def test_playback_is_counted_by_views() -> None:
    rows = [
        row(0, "impression"),
        row(1, "playStart", startupTime=300),
        row(2, "watchProgress", currentTime=1.0),
        row(3, "rebuffer", duration=250),
        row(4, "completion", watchTime=9.5, loopCount=2),
        row(5, "swipe", "b", fromContentId="a", watchTimeOnFrom=20),
        row(6, "impression", "b"),
        row(7, "swipe", "a", fromContentId="b", watchTimeOnFrom=0),
        row(8, "impression"),
        row(8, "impression"),
        row(9, "playStart", startupTime=100),
        row(10, "watchProgress", currentTime=4.0),
        row(11, "error"),
    ]
    (a, b) = count_playback(rows[::-1][:4] + rows[:9], DAY, DAY)
    assert a == {
        "day": write_day(DAY),
        "content_id": "a",
        "device_type": "ios",
        "impressions": 3,
        "starts": 2,
        "exits_before_start": 0,
        "startup_ms": [100, 300],
        "playing_s": 13.5,
        "rebuffers": 1,
        "rebuffer_ms": 250,
        "failures_before_start": 0,
        "failures_mid_stream": 1,
        "completions": 1,
        "loops": 2,
    }
    assert (b["impressions"], b["exits_before_start"], b["playing_s"]) == (1, 1, 0)
    assert count_playback(rows, DAY + 1, DAY + 1) == []


def test_ads_are_counted_by_their_unit() -> None:
    rows = [
        row(0, "adRequest", slotId="s1", filled=True),
        row(1, "impression", adId="x"),
        row(2, "click", adId="x"),
        row(3, "completion", adId="x", didComplete=True, didSkip=False),
        row(4, "adImpression", slotId="s1"),
        row(5, "adComplete", slotId="s1"),
        row(6, "completion", adId="y", didComplete=False, didSkip=True),
    ]
    found = {cell["unit"]: tuple(cell.values())[2:] for cell in count_ads(rows, DAY, DAY)}
    assert found == {"s1": (1, 1, 0), "x": (1, 1, 1), "y": (0, 0, 0)}


def test_csv_writes_every_type_of_value() -> None:
    rows: list[Values] = [
        {
            "event": "e",
            "timestamp": write_stamp(0),
            "data": {"a": True, "b": None, "c": {"d": 1.5}},
        },
        {"event": "f", "country": None, "data": {"a": 'x, "y"'}},
    ]
    text = write_csv(rows, {}, "lf", "data").decode()
    head, first, second = text.splitlines()
    assert head.endswith("country,data.a,data.b,data.c")
    assert first == 'e,,,1970-01-01T00:00:00Z,,,,,true,,"{""d"": 1.5}"'
    assert second == 'f,,,,,,,,"x, ""y""",,'


def test_units_change_with_the_later_names() -> None:
    progress = {"event": "watchProgress", "data": {"percentComplete": 12.5, "duration": 8.0}}
    assert rename_row(progress, has_units=True) == {
        "type": "watchProgress",
        "data": {"percentComplete": 0.125, "totalDuration": 8.0},
    }
    swipe = {"event": "swipe", "data": {"watchTimeOnFrom": 1.5}}
    assert rename_row(swipe, has_units=True)["data"] == {"watchTimeOnPrevious": 1500}
    assert rename_row({"event": "like", "data": "odd"}, has_units=True)["data"] == "odd"
