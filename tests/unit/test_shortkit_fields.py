"""The field table of ShortKit: three tables of one shape, and what is known to stand in `data`."""

import pytest

from connector.fields import Table, load_tables

SHORTKIT = load_tables("shortkit")
TABLES = list(SHORTKIT.values())
COLUMNS = [
    *("event", "content_id", "user_id", "timestamp", "session_id", "device_type", "device_id"),
    *("country", "current_time", "data"),
]
SPELLINGS = {
    "event": ("type",),
    "contentId": ("content_id",),
    "userId": ("user_id",),
    "sessionId": ("session_id",),
    "deviceType": ("device_type",),
    "deviceId": ("device_id",),
}
UNITS = {"_ms": "ms", "_s": "s", "_bit_s": "bit/s", "_percent": "percent"}


def test_three_data_types_are_three_tables_of_one_shape() -> None:
    assert list(SHORTKIT) == ["events", "quality", "ads"]
    for table in TABLES:
        assert [field.column for field in table.fields] == COLUMNS
        assert {f.name: f.aliases for f in table.fields if f.aliases} == SPELLINGS
        assert (table.axis, table.cursor) == ("event_day", "event_day")
        assert (table.event_time, table.receive_time) == ("timestamp", "")
        assert "_application_id" in table.system_columns
        moment = table.field("timestamp")
        assert (moment.type, moment.unit, moment.alias) == ("timestamp", "iso", "occurred_at")
        assert table.field("data").type == "json"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_unit_of_a_payload_stands_in_its_name(table: Table) -> None:
    for item in table.payloads:
        assert item.doc, item
        assert not item.sent_unit
        if item.type == "boolean":
            assert item.alias.startswith("is_")
        if item.unit:
            end = next(end for end, unit in UNITS.items() if unit == item.unit)
            assert item.alias.endswith(end), item


def test_events_of_each_table() -> None:
    assert {table.name: sorted({p.event for p in table.payloads}) for table in TABLES} == {
        "events": [
            *("completion", "feedEntry", "feedExit", "impression", "interaction", "playStart"),
            *("share", "swipe", "watchProgress"),
        ],
        "quality": ["error", "qualityChange", "rebuffer"],
        "ads": [
            *("adComplete", "adImpression", "adProgress", "adRequest", "adSkip", "adStart"),
            *("click", "completion", "impression"),
        ],
    }


def test_one_key_has_the_unit_of_its_event() -> None:
    played = SHORTKIT["events"].by_payload["watchProgress", "duration"]
    stalled = SHORTKIT["quality"].by_payload["rebuffer", "duration"]
    assert (played.alias, played.unit) == ("duration_s", "s")
    assert (stalled.alias, stalled.unit) == ("rebuffer_duration_ms", "ms")


def test_later_pages_call_the_same_things_otherwise() -> None:
    later = {
        f"{item.event}.{item.name}": [alias for alias, _ in item.aliases]
        for table in TABLES
        for item in table.payloads
        if item.aliases and table.name != "ads"
    }
    assert later == {
        "impression.position": ["positionInFeed"],
        "playStart.startupTime": ["startupTimeMs"],
        "playStart.rendition": ["initialRendition"],
        "watchProgress.duration": ["totalDuration"],
        "watchProgress.rendition": ["currentRendition"],
        "completion.watchTime": ["totalWatchTime"],
        "completion.looped": ["didLoop"],
        "swipe.watchTimeOnFrom": ["watchTimeOnPrevious"],
        "share.platform": ["shareMethod"],
        "interaction.interactionType": ["action"],
        "feedExit.totalSessionTime": ["watchTime"],
        "rebuffer.duration": ["rebufferDurationMs", "durationMs", "rebufferDuration"],
        "qualityChange.fromQuality": ["fromRendition"],
        "qualityChange.toQuality": ["toRendition"],
    }
