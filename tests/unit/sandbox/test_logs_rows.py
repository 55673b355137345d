"""What the Logs API shows is what the stream shows, on the clocks and days of its own."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.fields import load_tables
from connector.sandbox import App, Logs, Population, Scenario
from connector.sandbox.appmetrica_logs.asks import Ask, Place, parse_ask, parse_cache_rule
from connector.sandbox.appmetrica_logs.resources import RESOURCES
from connector.sandbox.emulator import Emulator

DAY_S = 86_400
PAIRS = {
    "ad_revenue_events": "ad_revenue",
    "clicks": "click",
    "crashes": "crash",
    "deeplinks": "deeplink",
    "ecommerce_events": "ecommerce",
    "errors": "error",
    "events": "event",
    "installations": "installation",
    "revenue_events": "revenue",
    "sessions_starts": "session_start",
}

Values = dict[str, str]


SCENARIO = Scenario(
    seed=5,
    clock="simulated",
    start=datetime(2026, 3, 2, 12, tzinfo=UTC),
    history_days=1.0,
    population=Population(devices=400, warmup_days=10),
)


def make_logs(zone: str = "Asia/Kolkata", **changes: Any) -> Emulator:
    """The small world with a day of history; keywords change its `Logs` or the scenario."""
    apps = (App(11, "Game", zone), App(12, "Shop", zone, "shop"))
    own = {key: changes.pop(key) for key in ("population", "start") if key in changes}
    return Emulator(replace(SCENARIO, apps=apps, logs=Logs(**changes), **own))


@pytest.fixture(scope="module")
def settled() -> Emulator:
    """For tests that only look; an hour after its start."""
    emulator = make_logs()
    emulator.clock.advance(3600)
    return emulator


def read(emulator: Emulator, resource: str, app: int = 11) -> list[dict[str, Any]]:
    return list(emulator.logs_truth(app, resource)["rows"])


def ask_for(
    emulator: Emulator, resource: str, since: str, until: str, dimension: str
) -> list[Values]:
    """The cells of a range, as a file made now would hold them."""
    query = f"fields=city&date_since={since}&date_until={until}&date_dimension={dimension}"
    place = Place(11, emulator.scenario.app(11).zone)
    ask: Ask = parse_ask("/x.json", query, RESOURCES[resource], place)
    now = emulator.world.live()
    return emulator.logs.makers[11].cells_of(ask, now, ())


@pytest.mark.parametrize(("app", "resource"), [(a, r) for a in (11, 12) for r in PAIRS])
def test_rows_are_the_streams_rows(settled: Emulator, app: int, resource: str) -> None:
    emulator = settled
    stream = [row["values"] for row in emulator.truth(app, PAIRS[resource])["rows"]]
    if resource == "installations":  # revisions are the stream's own
        stream = [values for values in stream if values["version"] == "1" and values["sign"] == "1"]
    names = {f.name for f in load_tables("appmetrica_stream")[PAIRS[resource]].fields}
    shared = [f.name for f in load_tables("appmetrica_logs")[resource].fields if f.name in names]
    assert len(shared) > 10
    # the first window begins some seconds into the history, the newest still grow
    low, high = emulator.world.since + 60, emulator.clock.timestamp() - 900

    def pick(rows: list[Values], at: str) -> Counter[tuple[str, ...]]:
        kept = [row for row in rows if low < int(row[at]) < high]
        return Counter(tuple(row.get(name, "") for name in shared) for row in kept)

    at = load_tables("appmetrica_logs")[resource].receive_time or "click_timestamp"
    logs = [row["values"] for row in read(emulator, resource, app)]
    # subtracted, so that a failure prints what differs and not thousands of rows
    assert pick(logs, at) - pick(stream, at) == Counter()
    assert pick(stream, at) - pick(logs, at) == Counter()


@pytest.mark.parametrize("resource", sorted({*RESOURCES} - {"profiles_v2", "push_tokens"}))
def test_rows_say_the_times_they_are_found_by(settled: Emulator, resource: str) -> None:
    table = load_tables("appmetrica_logs")[resource]
    for app in (11, 12):
        for row in read(settled, resource, app):
            receipt = table.receive_time or table.event_time
            assert int(row["values"][receipt]) == row["received_at"]
            assert int(row["values"][table.event_time]) == row["occurred_at"]


@pytest.mark.parametrize("dimension", ["receive", "default"])
@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Kolkata", datetime(2026, 3, 2, 12, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 3, 29, 20, tzinfo=UTC)),  # 23 hours
        ("Europe/Berlin", datetime(2026, 10, 25, 20, tzinfo=UTC)),  # 25 hours
        ("America/Santiago", datetime(2026, 9, 6, 20, tzinfo=UTC)),  # no midnight
        ("Australia/Lord_Howe", datetime(2026, 4, 5, 10, tzinfo=UTC)),  # half an hour
    ],
)
def test_days_share_no_row_and_lose_none(zone: str, start: datetime, dimension: str) -> None:
    emulator = make_logs(zone, start=start)
    clock = "received_at" if dimension == "receive" else "occurred_at"
    low, high = start - timedelta(days=3), start + timedelta(days=1)
    wanted = sum(
        low.timestamp() + 2 * DAY_S <= r[clock] <= start.timestamp()
        for r in read(emulator, "events")
    )
    days = [(low + timedelta(days=n)).date().isoformat() for n in range((high - low).days + 1)]
    by_day = [
        len(ask_for(emulator, "events", f"{d} 00:00:00", f"{d} 23:59:59", dimension)) for d in days
    ]
    whole = ask_for(emulator, "events", f"{days[0]} 00:00:00", f"{days[-1]} 23:59:59", dimension)
    assert sum(by_day) == len(whole)
    assert len(whole) >= wanted > 0
    hours = [
        len(ask_for(emulator, "events", f"{d} {h:02}:00:00", f"{d} {h:02}:59:59", dimension))
        for d in days
        for h in range(24)
    ]
    assert sum(hours) == len(whole)


def test_late_rows_come_by_receipt_and_show_up_in_older_ranges() -> None:
    emulator = make_logs()
    before = ask_for(emulator, "events", "2026-03-02", "2026-03-02", "default")
    emulator.clock.advance(3 * DAY_S)
    after = ask_for(emulator, "events", "2026-03-02", "2026-03-02", "default")
    late = [row for row in after if row["event_receive_datetime"][:10] > "2026-03-02"]
    assert late
    assert len(after) > len(before) > 0


def test_broken_clocks_are_kept() -> None:
    emulator = make_logs(population=Population(devices=2500, warmup_days=10))
    rows = [row["values"] for row in read(emulator, "sessions_starts")]
    assert {"1970", "2026", "2099"} <= {values["session_start_datetime"][:4] for values in rows}
    assert any(int(values["appmetrica_device_id"]) >= 1 << 63 for values in rows)


def test_a_failed_postback_is_sent_again(settled: Emulator) -> None:
    rows = [row["values"] for row in read(settled, "postbacks")]
    by_click: dict[tuple[str, str, str], list[Values]] = {}
    for values in rows:
        key = (values["appmetrica_device_id"], values["conversion_timestamp"], values["cost_model"])
        by_click.setdefault(key, []).append(values)
    failed = [values for values in rows if values["notifying_status"] == "failed"]
    assert failed
    assert {values["response_code"] for values in failed} == {"503"}
    assert {values["cost_model"] for values in rows} == {"cpi", "cpa"}
    assert any(
        [a["notifying_status"] for a in sorted(tries, key=lambda v: int(v["attempt_timestamp"]))]
        == ["failed", "sent"]
        for tries in by_click.values()
    )


def test_reinstalls_are_rows_of_their_own() -> None:
    emulator = make_logs(population=Population(devices=60, warmup_days=10))
    emulator.clock.advance(40 * DAY_S)
    rows = [row["values"] for row in read(emulator, "installations")]
    assert {row["is_reinstallation"] for row in rows} == {"true", "false"}
    assert not {"version", "sign"} & set(rows[0])
    assert len({row["installation_id"] for row in rows}) == len(rows)


def test_snapshots_show_the_present() -> None:
    emulator = make_logs()
    tokens = read(emulator, "push_tokens")
    assert max(Counter(r["values"]["appmetrica_device_id"] for r in tokens).values()) == 1
    before = {
        r["values"]["appmetrica_device_id"]: r["values"] for r in read(emulator, "profiles_v2")
    }
    emulator.clock.advance(2 * DAY_S)
    after = {
        r["values"]["appmetrica_device_id"]: r["values"] for r in read(emulator, "profiles_v2")
    }
    assert set(before) < set(after)
    grown = [
        n
        for n in before
        if int(after[n]["appmetrica_sessions"]) > int(before[n]["appmetrica_sessions"])
    ]
    assert grown
    assert {values.get("plan", "") for values in after.values()} == {"free", "plus", ""}


def receipts(emulator: Emulator, steps: int) -> dict[tuple[int, int, int], int]:
    """When the app events of a day and a half were received, by app, device and order."""
    for _ in range(steps):
        emulator.clock.advance(DAY_S / 2 / steps)
        emulator.world.live()
    until = emulator.world.since + int(1.5 * DAY_S)
    return {
        (app, record.device.index, record.order): record.received_at
        for app, records in emulator.world.records.items()
        for record in records
        if record.kind == "event" and record.happened_at < until
    }


def test_the_surplus_of_the_free_plan_comes_days_later() -> None:
    limit = 300
    limited, free = receipts(make_logs(daily_events_limit=limit), 1), receipts(make_logs(), 1)
    delays = {key: limited[key] - at for key, at in free.items() if key in limited}
    late = [delay / DAY_S for delay in delays.values() if delay]
    assert (min(late), max(late) <= 14, all(days.is_integer() for days in late)) == (1, True, True)
    in_time = Counter(free[key] // DAY_S for key, delay in delays.items() if not delay)
    assert max(in_time.values()) == limit
    assert {app for app, *_ in delays} == {11, 12}


def test_the_surplus_is_the_same_in_any_steps_and_in_both_apis() -> None:
    emulator = make_logs(daily_events_limit=300)
    assert receipts(emulator, 9) == receipts(make_logs(daily_events_limit=300), 1)
    emulator.clock.advance(2 * DAY_S)
    stream = {_identify(row["values"]) for row in emulator.truth(11, "event")["rows"]}
    assert stream <= {_identify(row["values"]) for row in read(emulator, "events")}


def _identify(values: Values) -> tuple[str, ...]:
    names = ("appmetrica_device_id", "event_timestamp", "event_receive_timestamp", "event_name")
    return tuple(values[name] for name in names)


@pytest.mark.parametrize(
    ("header", "is_no_cache", "max_age_s"),
    [
        ("", False, None),
        ("no-cache", True, None),
        ("max-age=60", False, 60),
        ("No-Cache, max-age=0", True, 0),
        ("max-age=soon", False, None),
    ],
)
def test_cache_rules(header: str, is_no_cache: bool, max_age_s: int | None) -> None:
    rule = parse_cache_rule(header)
    assert (rule.is_no_cache, rule.max_age_s) == (is_no_cache, max_age_s)


def test_the_identity_of_a_request_leaves_the_part_out() -> None:
    query = "fields=city&date_since=2026-03-02&date_until=2026-03-02&parts_count=2"
    place = Place(1, "UTC")
    first, second = (
        parse_ask("/e.csv", f"{query}&part_number={n}", RESOURCES["events"], place) for n in (0, 1)
    )
    assert first.key == second.key == f"/e.csv?{query}"
    assert (first.part, second.part, first.parts) == (0, 1, 2)
    assert first.span == (1_772_409_600, 1_772_409_600 + DAY_S - 1)
    exclusive = parse_ask("/e.csv", query, RESOURCES["events"], Place(1, "UTC", is_inclusive=False))
    assert exclusive.range is not None
    assert not exclusive.range.holds("2026-03-02 23:59:59")
