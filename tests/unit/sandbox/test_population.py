from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.sandbox import default_scenario
from connector.sandbox.population import AppPopulation, Record
from connector.sandbox.world import World

NOW = int(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp())
DAY_S = 86_400
INT64_MAX = (1 << 63) - 1


def live(
    steps: int = 1, seed: int = 3, genre: str = "game", days: int = 3, devices: int = 400
) -> list[Record]:
    records: list[Record] = []
    population = AppPopulation(
        seed,
        1,
        genre,
        since=NOW - days * DAY_S,
        devices=devices,
        history_days=days,
        warmup_days=20,
        awkward_share=0.05,
        has_nul=False,
        emit=records.append,
    )
    for step in range(1, steps + 1):
        population.extend(NOW - days * DAY_S + days * DAY_S * step // steps)
    return sorted(records, key=lambda r: (r.processed_at, r.device.index, r.order))


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return live(devices=4000)


def until_now(records: list[Record]) -> list[Record]:
    return [record for record in records if record.processed_at < NOW]


def test_living_in_many_steps_gives_the_same_people() -> None:
    assert until_now(live(steps=5)) == until_now(live())


def test_another_seed_gives_other_people() -> None:
    assert until_now(live(seed=4)) != until_now(live())


def test_ids_exceed_signed_64_bits(records: list[Record]) -> None:
    assert any(record.device.id > INT64_MAX for record in records)
    assert any(record.session and record.session.id > INT64_MAX for record in records)


def test_nothing_is_processed_before_it_is_received_nor_before_the_history(
    records: list[Record],
) -> None:
    for record in records:
        assert record.happened_at <= record.received_at <= record.processed_at
        assert record.processed_at >= NOW - 3 * DAY_S


def test_a_session_ends_for_the_vendor_only_when_the_next_one_starts(
    records: list[Record],
) -> None:
    received = defaultdict(list)
    for record in records:
        if record.kind == "session_start":
            received[record.device.index].append(record.received_at)
    ends = [record for record in records if record.kind == "session_end"]
    assert all(end.received_at in received[end.device.index] for end in ends)
    assert any(end.received_at - end.happened_at > 2 * DAY_S for end in ends)


def test_some_records_are_hours_late(records: list[Record]) -> None:
    late = [r for r in records if r.kind == "event" and r.received_at - r.happened_at > 3600]
    assert 0.005 < len(late) / len(records) < 0.1


def test_some_clocks_stand_in_1970_and_2099(records: list[Record]) -> None:
    years = Counter(datetime.fromtimestamp(r.occurred_at, UTC).year for r in records)
    assert years[1970] > 0
    assert years[2099] > 0
    assert years[2026] > 0.97 * len(records)


def test_retention_decays(records: list[Record]) -> None:
    ages = Counter(
        (r.happened_at - r.device.installed_at) // DAY_S
        for r in records
        if r.kind == "session_start"
    )
    assert ages[0] > ages[1] > ages[5] > ages[15] > 0


def test_the_evening_is_busier_than_the_night(records: list[Record]) -> None:
    hours = Counter(
        (r.happened_at // 3600 + r.device.place.offset_h) % 24
        for r in records
        if r.kind == "session_start"
    )
    assert hours[20] > 2 * hours[3]


def test_an_installation_gets_its_verdict_later(records: list[Record]) -> None:
    installs = {r.device.index: r for r in records if r.kind == "install"}
    verdicts = [r for r in records if r.kind == "verdict" and r.device.index in installs]
    assert verdicts
    assert all(v.processed_at > installs[v.device.index].processed_at for v in verdicts)


def test_a_shop_sells_and_a_game_shows_ads(records: list[Record]) -> None:
    kinds, shop = {r.kind for r in records}, {r.kind for r in live(genre="shop")}
    assert {"ad_view", "purchase", "crash", "error", "deeplink", "click"} <= kinds
    assert {"shopping", "purchase"} <= shop


def test_the_demo_has_tens_of_thousands_of_rows() -> None:
    scenario = replace(
        default_scenario(), clock="simulated", start=datetime(2026, 3, 2, 12, tzinfo=UTC)
    )
    world = World(scenario)
    world.live()
    assert 50_000 < sum(len(records) for records in world.records.values()) < 100_000
