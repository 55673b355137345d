from collections.abc import Callable
from decimal import Decimal

import pytest

from connector.errors import ConfigError
from connector.sandbox.emulator import Emulator

MakeEmulator = Callable[..., Emulator]


def test_days_agree_with_the_rows_that_were_sent(make_emulator: MakeEmulator) -> None:
    emulator = make_emulator(history_days=1.0)
    emulator.clock.advance(3600)
    days = emulator.daily_truth(11, "Asia/Kolkata")
    sent = [r["values"] for r in emulator.truth(11, "session_start")["rows"]]
    for day in ("2026-03-01", "2026-03-02"):
        started = [r for r in sent if r["session_start_datetime"].startswith(day)]
        foreground = {
            r["appmetrica_device_id"] for r in started if r["session_type"] == "foreground"
        }
        # Rows are in the files some minutes after they were processed.
        assert abs(days[day]["dau"] - len(foreground)) <= 8
        assert abs(days[day]["counts"]["session_start"] - len(started)) <= 12


def test_installs_count_once_whatever_their_revisions(make_emulator: MakeEmulator) -> None:
    emulator = make_emulator(history_days=1.0)
    emulator.clock.advance(2 * 86_400)
    rows = [r["values"] for r in emulator.truth(11, "installation")["rows"]]
    days = emulator.daily_truth(11)
    signs = sum(int(r["sign"]) for r in rows if int(r["install_receive_timestamp"]) < 1_772_452_800)
    installs = sum(d["counts"].get("install", 0) for n, d in days.items() if n <= "2026-03-02")
    assert signs > 0
    assert installs >= signs


def test_money_is_exact_and_by_currency(make_emulator: MakeEmulator) -> None:
    days = make_emulator(history_days=3.0).daily_truth(12)
    totals = [Decimal(v) for day in days.values() for v in day["revenue"].values()]
    assert totals
    assert all(total == total.quantize(Decimal("0.01")) for total in totals)


def test_an_unknown_app_is_named(emulator: Emulator) -> None:
    with pytest.raises(ConfigError, match="5"):
        emulator.daily_truth(5)
