"""The rows of the emulated raw export: the facts of the other vendor, on clocks of their own."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from connector.sandbox import App, MyTracker, Population, Scenario
from connector.sandbox.emulator import Emulator
from connector.sandbox.mytracker.attribution import credit_cells, credit_of, is_seen
from connector.sandbox.mytracker.dictionary import events, sdk_key, selectors_of, tracker_app_id
from connector.sandbox.mytracker.rows import AppRows
from tests.unit.sandbox.conftest import START

Row = dict[str, Any]
ZEROS = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(
        Scenario(
            seed=5,
            clock="simulated",
            start=START,
            history_days=2.0,
            apps=(App(11, "Game", "Asia/Kolkata"), App(4_100_002, "Shop", genre="shop")),
            population=Population(devices=900, warmup_days=10),
        )
    )


def values(emulator: Emulator, event: str) -> list[dict[str, str]]:
    return [row["values"] for row in emulator.mytracker_truth(event)["rows"]]


def test_rows_are_available_much_later_and_in_batches(emulator: Emulator) -> None:
    rows = emulator.mytracker_truth("sessions")["rows"]
    assert len({row["available_at"] for row in rows}) < len(rows) / 2
    for row in rows:
        assert row["values"]["tsInsert"] == str(row["available_at"]) == str(row["shown_at"])
        assert row["values"].get("tsEvent", "0") == str(row["occurred_at"])
    made = [r for data in emulator.mytracker.maker.apps.values() for r in data.rows.all("sessions")]
    delays = {row.available_at - row.record.processed_at for row in made}
    assert 2460 <= min(delays) < max(delays) <= 17_460


def test_what_servers_send_takes_longer(emulator: Emulator) -> None:
    emulator.mytracker_truth("customEvents")
    late = [
        row.available_at - row.record.processed_at
        for data in emulator.mytracker.maker.apps.values()
        for row in data.rows.all("customEvents")
        if getattr(row.record.payload, "origin", "") == "import_api"
    ]
    assert 17_460 < max(late) <= 17_460 + 4 * 3600


@pytest.mark.parametrize(
    ("settings", "bounds"),
    [
        (MyTracker(delay_min_s=0, delay_max_s=0, insert_step_s=1), (0, 0)),
        (MyTracker(delay_min_s=100, delay_max_s=100, insert_step_s=1), (100, 100)),
        (MyTracker(), (2460, 17_460)),
    ],
)
def test_the_delay_can_be_chosen(settings: MyTracker, bounds: tuple[int, int]) -> None:
    rows = AppRows(settings)
    delays = {rows.available_at(at) - at for at in range(1_772_000_000, 1_772_200_000, 977)}
    assert bounds[0] <= min(delays) <= max(delays) <= bounds[1]
    assert (len(delays) > 100) == (settings == MyTracker())


def test_devices_are_those_of_the_other_vendor(emulator: Emulator) -> None:
    logs = {}
    for row in emulator.logs_truth(11, "sessions_starts")["rows"]:
        cells = row["values"]
        for name, other in (("google_aid", "advertisingId"), ("ios_ifv", "iosVendorId")):
            if name in cells:
                logs[other, cells[name]] = cells
    found = 0
    for cells in values(emulator, "sessions"):
        if cells["idApp"] != "11":
            continue
        for other in ("advertisingId", "iosVendorId"):
            known = logs.get((other, cells[other]))
            if known is not None:
                found += 1
                assert known.get("profile_id", "") == cells.get("customUserId", "")
                assert known.get("ios_ifa", ZEROS) == cells["idfa"]
                assert known.get("device_model") == cells["idDeviceModelTitle"]
    assert found > 50


def test_ids_are_large_and_keys_have_zeros_in_front(emulator: Emulator) -> None:
    cells = values(emulator, "sessions")
    for name in ("idDevice", "idProfile"):
        numbers = {int(row[name]) for row in cells}
        assert 0.3 < sum(n >= 1 << 63 for n in numbers) / len(numbers) < 0.7
        assert all(n < 1 << 64 for n in numbers)
    keys = {row["SDKKey"] for row in cells}
    assert keys == {sdk_key(11), sdk_key(100_002)}
    assert all(len(key) == 20 and key.startswith("000") for key in keys)
    assert (tracker_app_id(4_100_001), tracker_app_id(11)) == (100_001, 11)
    assert {row["advertisingId"] for row in cells if row["idOsTitle"] == "iOS"} == {ZEROS}


def test_organic_installs_have_no_touch(emulator: Emulator) -> None:
    cells = values(emulator, "installs")
    organic = [row for row in cells if row["idPartnerTitle"] == "Organic"]
    assert 0.3 < len(organic) / len(cells) < 0.8
    assert {(r["tsClick"], r["tsView"], r["idPartner"], r["idCampaign"]) for r in organic} == {
        ("0", "0", "0", "0")
    }
    touched = [row for row in cells if row not in organic]
    assert {(row["tsClick"] == "0") != (row["tsView"] == "0") for row in touched} == {True}
    assert {row["idAdEventType"] for row in touched} == {"1", "2"}


def test_attribution_agrees_mostly(emulator: Emulator) -> None:
    emulator.mytracker_truth("installs")
    verdicts: Counter[str] = Counter()
    for records in emulator.world.records.values():
        for record in records:
            if record.kind != "install":
                continue
            device = record.device
            credit, source = credit_of(device), device.source
            theirs = source.publisher_name if source else ""
            ours = credit.partner if credit else ""
            verdicts["same" if ours == theirs else "other" if ours and theirs else "organic"] += 1
            verdicts["unseen"] += not is_seen(device)
    total = sum(verdicts.values()) - verdicts["unseen"]
    assert 0.85 < verdicts["same"] / total < 1
    assert verdicts["other"]
    assert verdicts["organic"]
    assert 0 < verdicts["unseen"] / total < 0.05


def test_some_installs_are_seen_by_one_vendor_only(emulator: Emulator) -> None:
    devices = {
        record.device.index
        for record in emulator.world.records[11]
        if record.kind == "install" and record.session and not record.session.install.is_reinstall
    }
    ids = {row["idDevice"] for row in values(emulator, "sessions")}
    installed = [row for row in values(emulator, "installs") if row["idApp"] == "11"]
    ghosts = [row for row in installed if row["idDevice"] not in ids]
    assert ghosts
    assert {row["advertisingId"] for row in ghosts} == {ZEROS}
    assert len(installed) - len(ghosts) < len(devices)


def test_events_carry_their_attributes_as_arrays(emulator: Emulator) -> None:
    cells = values(emulator, "customEvents")
    pairs = Counter((row["params.name"], row["params.value"]) for row in cells)
    assert any(names == "[]" and texts == "[]" for names, texts in pairs)
    assert any(names == "['level','score','ok']" for names, _ in pairs)
    assert any(r"\'" in texts for _, texts in pairs)
    assert any(r"\n" in texts for _, texts in pairs)
    assert {names[0] + names[-1] + texts[0] + texts[-1] for names, texts in pairs} == {"[][]"}
    assert any(count > 1 for count in Counter(tuple(row.items()) for row in cells).values())


def test_payments_are_those_of_the_other_vendor(emulator: Emulator) -> None:
    theirs = {
        row["values"]["revenue_order_id"]
        for app in (11, 4_100_002)
        for row in emulator.logs_truth(app, "revenue_events")["rows"]
    }
    ours = {row["inventedTransaction"] for row in values(emulator, "payments")}
    assert ours
    assert ours <= theirs
    assert {row["isVerified"] for row in values(emulator, "payments")} == {"0", "1"}
    assert {row["inventedAmount"] for row in values(emulator, "trialPayments")} <= {"0"}
    for event in ("testPayments", "trialPayments"):
        assert not {row["inventedTransaction"] for row in values(emulator, event)} & ours


def test_user_events_are_of_devices_with_a_profile(emulator: Emulator) -> None:
    for event in ("userSessions", "userPayments", "userCustomEvents", "newUsers"):
        found = values(emulator, event)
        assert found
        assert all(row["customUserId"] for row in found)


def test_all_rows_have_selectors_of_their_event_only(emulator: Emulator) -> None:
    for event in events():
        names = set(selectors_of(event))
        assert {"idApp", "tsEvent", "tsInsert"} <= names
        assert all(set(row) <= names for row in values(emulator, event))
    assert "tsInstall" not in selectors_of("installs")
    assert "inventedAmount" in selectors_of("userPayments")


def test_steps_of_the_clock_change_nothing(emulator: Emulator) -> None:
    stepped = Emulator(emulator.scenario)
    for _ in range(10):
        stepped.clock.advance(3600)
        stepped.mytracker_truth("sessions")
    at_once = Emulator(emulator.scenario)
    at_once.clock.advance(36_000)
    for event in ("installs", "sessions", "customEvents"):
        assert order(stepped.mytracker_truth(event)["rows"]) == order(
            at_once.mytracker_truth(event)["rows"]
        )


def order(rows: Iterable[Row]) -> list[str]:
    return sorted(str(row) for row in rows)


def test_the_other_vendor_shows_the_same_whether_this_one_is_asked_or_not(
    emulator: Emulator,
) -> None:
    fresh = Emulator(emulator.scenario)
    for event in events():
        emulator.mytracker_truth(event)
    assert emulator.logs_truth(11, "events") == fresh.logs_truth(11, "events")
    assert emulator.truth(11, "installation") == fresh.truth(11, "installation")


def test_credit_cells_name_the_first_and_the_current_source(emulator: Emulator) -> None:
    device = next(
        record.device
        for record in emulator.world.records[11]
        if record.kind == "install" and credit_of(record.device)
    )
    cells = credit_cells(device, 77)
    assert cells["tsAttr"] == "77"
    for stem in ("idPartner", "idCampaign", "idAd", "idSub1"):
        assert cells[stem] == cells[f"{stem}Attr"] != "0"
        assert cells[f"{stem}Title"] == cells[f"{stem}AttrTitle"] != ""
