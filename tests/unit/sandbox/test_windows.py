"""What windows there are and what they hold, asked of an emulator without sockets."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.sandbox import Population, StreamType
from connector.sandbox.appmetrica_stream.timeline import DATA_TYPES
from connector.sandbox.emulator import Emulator

MakeEmulator = Callable[..., Emulator]
Window = dict[str, Any]


def read_csv(emulator: Emulator, data_type: str, slot: int, app: int = 11) -> list[list[str]]:
    file = emulator.stream.find_file(app, data_type, slot)
    assert file is not None
    return list(csv.reader(io.StringIO(file.body.decode(), newline="")))


def find(emulator: Emulator, data_type: str, slot: int) -> Window | None:
    windows = emulator.windows(11, data_type)
    return next((w for w in windows if w["stream_window_timestamp"] == slot), None)


def test_windows_lie_on_a_grid_that_is_no_multiple_of_300(emulator: Emulator) -> None:
    for data_type in ("event", "session_start"):
        for window in emulator.windows(11, data_type):
            assert window["stream_window_timestamp"] % 300 == 10


def test_every_data_type_has_rows(make_emulator: MakeEmulator) -> None:
    emulator = make_emulator(history_days=1.0)
    found = {t for app in (11, 12) for t in DATA_TYPES if emulator.windows(app, t)}
    assert found == set(DATA_TYPES)


def test_only_the_newest_two_windows_grow(emulator: Emulator) -> None:
    def counts() -> dict[int, tuple[int, int, int]]:
        return {
            w["stream_window_timestamp"]: (
                w["event_count"],
                w["payload_bytes"],
                w["update_timestamp"],
            )
            for w in emulator.windows(11, "event")
        }

    grown: Counter[int] = Counter()
    before = counts()
    for _ in range(40):
        emulator.clock.advance(60)
        after, now = counts(), emulator.clock.timestamp()
        for slot, sizes in before.items():
            if after[slot] != sizes:
                assert slot > now - 60 - 600
                assert all(new > old for new, old in zip(after[slot], sizes, strict=True))
                grown[slot] += 1
        before = after
    assert max(grown.values()) > 2


def test_what_the_status_declares_is_what_the_file_has(emulator: Emulator) -> None:
    for data_type in DATA_TYPES:
        for window in emulator.windows(11, data_type):
            file = emulator.stream.find_file(11, data_type, window["stream_window_timestamp"])
            assert file is not None
            header, *rows = csv.reader(io.StringIO(file.body.decode(), newline=""))
            assert tuple(header) == file.schema.field_names
            assert len(rows) == window["event_count"]
            assert len(file.body) - len(",".join(header)) - 1 == window["payload_bytes"]


def test_the_truth_is_what_the_files_hold(emulator: Emulator) -> None:
    told = emulator.truth(11, "event")["rows"]
    sent = []
    for window in emulator.windows(11, "event"):
        slot = window["stream_window_timestamp"]
        header, *rows = read_csv(emulator, "event", slot)
        for ordinal, row in enumerate(rows):
            cells = {k: v for k, v in zip(header, row, strict=True) if v}
            sent.append((slot, window["export_schema_id"], ordinal, cells))
    assert [(r["window"], r["schema_id"], r["ordinal"], r["values"]) for r in told] == sent


def test_two_emulators_of_one_scenario_agree(make_emulator: MakeEmulator) -> None:
    assert make_emulator().truth(11, "event") == make_emulator().truth(11, "event")


def test_windows_expire_after_seven_days(emulator: Emulator) -> None:
    oldest = emulator.windows(11, "event")[0]["stream_window_timestamp"]
    emulator.clock.advance(oldest + 7 * 86_400 - emulator.clock.timestamp() - 1)
    assert emulator.stream.find_file(11, "event", oldest) is not None
    emulator.clock.advance(1)
    assert emulator.stream.find_file(11, "event", oldest) is None
    assert emulator.windows(11, "event")[0]["stream_window_timestamp"] > oldest


def test_datetimes_are_in_the_zone_of_the_app(emulator: Emulator) -> None:
    values = emulator.truth(11, "event")["rows"][0]["values"]
    received = int(values["event_receive_timestamp"])
    minutes = (received + 5 * 3600 + 1800) // 60 % 60
    assert values["event_receive_datetime"][14:16] == f"{minutes:02d}"


def test_an_installation_comes_as_a_triple_when_its_verdict_is_in(
    make_emulator: MakeEmulator,
) -> None:
    emulator = make_emulator(history_days=1.0)
    rows = [r["values"] for r in emulator.truth(11, "installation")["rows"]]
    by_install: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        shape = (row["version"], row["sign"], row["fraud_status"])
        by_install.setdefault(row["installation_id"], []).append(shape)
    triples = [shapes for shapes in by_install.values() if len(shapes) == 3]
    assert triples
    for first, withdrawn, second in triples:
        assert (first, withdrawn) == (("1", "1", "unknown"), ("1", "-1", "unknown"))
        assert second[:2] == ("2", "1")
        assert second[2] in {"ok", "low", "mid", "high"}


def test_payloads_are_awkward_and_some_rows_are_equal(make_emulator: MakeEmulator) -> None:
    rows = make_emulator(history_days=1.0).truth(11, "event")["rows"]
    payloads = {r["values"].get("event_json", "") for r in rows}
    for wanted in ("\n", "\u2028", '"', ",", "👩", "not json"):
        assert any(wanted in payload for payload in payloads), wanted
    assert not any("\x00" in payload for payload in payloads)
    seen = Counter((r["window"], json.dumps(r["values"])) for r in rows)
    assert max(seen.values()) == 2


def test_refunds_are_negative_and_undefined_is_a_word(make_emulator: MakeEmulator) -> None:
    emulator = make_emulator(history_days=3.0, types={"revenue": StreamType()})
    values = [r["values"] for app in (11, 12) for r in emulator.truth(app, "revenue")["rows"]]
    assert any(v["revenue_price"].startswith("-") for v in values)
    assert any(v["is_revenue_verified"] == "undefined" for v in values)


def test_event_lists_filter_include_first_then_exclude(make_emulator: MakeEmulator) -> None:
    lists = StreamType(include_events=("level_start", "level_fail"), exclude_events=("level_fail",))
    emulator = make_emulator(types={"event": lists})
    names = {r["values"]["event_name"] for r in emulator.truth(11, "event")["rows"]}
    assert names == {"level_start"}


def test_empty_windows_are_listed_or_absent(make_emulator: MakeEmulator) -> None:
    absent = make_emulator().windows(11, "crash")
    listed = make_emulator(empty_windows="listed").windows(11, "crash")
    assert all(w["event_count"] for w in absent)
    assert sum(not w["event_count"] for w in listed) > 50
    empty = next(w["stream_window_timestamp"] for w in listed if not w["event_count"])
    assert make_emulator().stream.find_file(11, "crash", empty) is None
    file = make_emulator(empty_windows="listed").stream.find_file(11, "crash", empty)
    assert file is not None
    assert len(list(csv.reader([file.body.decode()]))) == 1


def test_new_settings_make_a_new_schema_for_new_windows_only(emulator: Emulator) -> None:
    before = emulator.windows(11, "event")
    body = emulator.stream.settings(11)
    event = next(e for e in body["settings"]["export_fields"] if e["data_type"] == "event")
    event["fields"] = ["event_name", "event_timestamp"]
    emulator.stream.change_settings(11, body)
    emulator.clock.advance(3600)
    after = emulator.windows(11, "event")
    old_id = before[0]["export_schema_id"]
    assert [w["export_schema_id"] for w in after[: len(before)]] == [old_id] * len(before)
    assert after[-1]["export_schema_id"] != old_id
    header = read_csv(emulator, "event", after[-1]["stream_window_timestamp"])[0]
    assert header == ["event_name", "event_timestamp"]
    crash_ids = {w["export_schema_id"] for w in emulator.windows(11, "session_start")}
    assert len(crash_ids) == 1


def test_skipped_windows_come_later_as_one_large_one(emulator: Emulator) -> None:
    slot = emulator.window_at(4)
    plain = {w["stream_window_timestamp"]: w["event_count"] for w in emulator.windows(11, "event")}
    emulator.add_fault("skip_windows", window=slot, count=3)
    merged = {w["stream_window_timestamp"]: w["event_count"] for w in emulator.windows(11, "event")}
    assert not {slot, slot + 300, slot + 600} & set(merged)
    assert merged[slot + 900] == sum(plain.get(slot + 300 * n, 0) for n in range(4))
    assert sum(merged.values()) == sum(plain.values())


def test_a_vanished_window_is_nowhere(emulator: Emulator) -> None:
    slot = emulator.window_at(3, 11, "event")
    fault = emulator.add_fault("vanish", app=11, data_type="event", window=slot)
    assert find(emulator, "event", slot) is None
    assert emulator.stream.find_file(11, "event", slot) is None
    emulator.remove_faults(fault)
    assert find(emulator, "event", slot) is not None


def test_a_settled_window_changes_when_its_hours_have_passed(emulator: Emulator) -> None:
    slot = emulator.window_at(-1, 11, "event")
    emulator.add_fault("window_change", data_type="event", window=slot, hours=2, add=2, edit=1)
    before = find(emulator, "event", slot)
    emulator.clock.advance(7200)
    after = find(emulator, "event", slot)
    assert before is not None
    assert after is not None
    assert after["event_count"] == before["event_count"] + 2
    assert after["update_timestamp"] == slot + 300 + 7200


def test_a_window_changes_on_demand(emulator: Emulator) -> None:
    slot = emulator.window_at(2, 11, "event")
    before = find(emulator, "event", slot)
    emulator.change_window(11, "event", slot, remove=1)
    after = find(emulator, "event", slot)
    assert before is not None
    assert after is not None or before["event_count"] == 1
    if after is not None:
        assert after["update_timestamp"] > before["update_timestamp"]
        assert after["event_count"] == before["event_count"] - 1


def test_a_schema_change_adds_removes_repeats_and_invents_columns(emulator: Emulator) -> None:
    slots = [w["stream_window_timestamp"] for w in emulator.windows(11, "event")]
    middle = slots[len(slots) // 2]
    emulator.add_fault(
        "schema_change",
        data_type="event",
        window=middle,
        remove=["event_json"],
        duplicate=["event_datetime"],
        unknown=["weather"],
    )
    old, new = read_csv(emulator, "event", slots[0]), read_csv(emulator, "event", middle)
    assert "event_json" in old[0]
    assert "event_json" not in new[0]
    assert new[0].count("event_datetime") == 2
    assert new[1][new[0].index("weather")] == "weather-0"
    assert new[1][-1] == ""
    assert new[1][new[0].index("event_datetime")]
    ids = {w["export_schema_id"] for w in emulator.windows(11, "event")}
    assert len(ids) == 2


def test_one_window_key_under_two_schema_ids_loses_nothing(emulator: Emulator) -> None:
    slot = max(emulator.windows(11, "event"), key=lambda w: int(w["event_count"]))
    timestamp = slot["stream_window_timestamp"]
    emulator.add_fault("two_schemas", data_type="event", window=timestamp)
    listed = [w for w in emulator.windows(11, "event") if w["stream_window_timestamp"] == timestamp]
    assert len({w["export_schema_id"] for w in listed}) == 2
    assert sum(w["event_count"] for w in listed) == slot["event_count"]
    first, second = (read_csv(emulator, "event", timestamp) for _ in range(2))
    assert first[0] == second[0][::-1]
    assert len(first) + len(second) - 2 == slot["event_count"]
    assert {r["schema_id"] for r in emulator.truth(11, "event")["rows"]} == {
        w["export_schema_id"] for w in emulator.windows(11, "event")
    }


def test_an_event_count_is_off_until_it_heals(emulator: Emulator) -> None:
    slot = emulator.window_at(-1, 11, "event")
    window = find(emulator, "event", slot)
    assert window is not None
    emulator.add_fault("event_count", data_type="event", window=slot, off_by=-1, heals_after=2)

    def declared() -> int:
        status = json.loads(emulator.stream.status(11))["status"]
        stream = next(s for s in status["streams"] if s["data_type"] == "event")
        return int(
            next(
                w["event_count"]
                for w in stream["stream_windows"]
                if w["stream_window_timestamp"] == slot
            )
        )

    true = window["event_count"]
    assert [declared() for _ in range(4)] == [true - 1, true - 1, true, true]


def test_the_status_can_be_unordered_and_have_unknown_keys(emulator: Emulator) -> None:
    plain = json.loads(emulator.stream.status(11))["status"]
    emulator.add_fault("unordered", app=11)
    emulator.add_fault("unknown_keys", app=11)
    odd = json.loads(emulator.stream.status(11))
    assert "request_id" in odd
    order = [s["data_type"] for s in odd["status"]["streams"]]
    assert order != [s["data_type"] for s in plain["streams"]]
    assert sorted(order) == sorted(s["data_type"] for s in plain["streams"])
    assert "checksum" in odd["status"]["streams"][0]["stream_windows"][0]


def test_the_monthly_limit_stops_downloads_then_preparation_until_the_1st(
    make_emulator: MakeEmulator,
) -> None:
    emulator = make_emulator(
        monthly_events=60,
        expire_days=60,
        data_types=("event",),
        population=Population(devices=60, warmup_days=5),
    )
    assert emulator.stream.is_exhausted()
    emulator.clock.advance(8 * 86_400)
    unprepared = emulator.window_at(0) + 8 * 86_400
    slots = [w["stream_window_timestamp"] for w in emulator.windows(11, "event")]
    assert any(slot > unprepared - 2 * 86_400 for slot in slots)
    assert not any(slot > unprepared - 86_400 + 43_200 for slot in slots)
    emulator.clock.advance(22 * 86_400)
    assert emulator.clock.now().month == 4
    emulator.clock.advance(3600)
    slots = [w["stream_window_timestamp"] for w in emulator.windows(11, "event")]
    assert any(slot > emulator.clock.timestamp() - 7200 for slot in slots)


def test_unknown_apps_and_data_types_are_named(emulator: Emulator) -> None:
    with pytest.raises(ConfigError, match="99"):
        emulator.windows(99, "event")
    with pytest.raises(ConfigError, match="evnt"):
        emulator.truth(11, "evnt")
