"""The fetcher: most urgent first, nothing twice, nobody held up, every outcome handed out."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.errors import (
    AuthError,
    ConnectorError,
    DownloadError,
    LossError,
    NetworkError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from connector.journal import SpooledFile
from tests.unit.engine.fake_api import PATIENCE_S, START, FakeApi, make_units, open_desk

SILENCE = NetworkError("no answer", source="vendor")
BUSY = ServerError("busy", source="vendor")
BROKEN = ServerError("ask support", source="vendor", status=500, is_retryable=False)


def test_what_dies_first_is_asked_for_first(tmp_path: Path) -> None:
    api = FakeApi()
    units = make_units("a", "b", "c", "d")
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, [units[2], units[0], units[3], units[1]])
        files, failures = desk.drain()
    assert api.asked == ["a", "b", "c", "d"]
    assert [file.unit for file in files] == units
    assert failures == []


def test_file_is_in_the_journal_before_it_is_handed_out(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), make_units("a"))
        (file,) = desk.take()
        assert isinstance(file, SpooledFile)
        assert desk.journal.files("vendor") == [file]
        assert (file.bytes, file.attempts, file.fetched_at) == (10, 1, START)
        assert file.path.read_bytes() == b"0123456789"
    assert desk.notified == [file]


def test_no_more_downloads_run_at_once_than_the_vendor_allows(tmp_path: Path) -> None:
    api = FakeApi(parallel=3, gate=threading.Event())
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abcdefgh"))
        for _ in range(3):
            assert api.entered.acquire(timeout=PATIENCE_S)
        assert not api.entered.acquire(timeout=0.05)
        api.gate.set()  # type: ignore[union-attr]
        files, _ = desk.drain()
    assert len(files) == 8


def test_source_that_waits_holds_no_other_up(tmp_path: Path) -> None:
    slow, quick = FakeApi("slow", gate=threading.Event()), FakeApi("quick")
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(slow, make_units("s", source="slow"))
        desk.fetcher.add(quick, make_units("q1", "q2", source="quick"))
        taken = {outcome.unit.id for _ in range(2) for outcome in take_one(desk.fetcher, "quick")}
        slow.gate.set()  # type: ignore[union-attr]
        files, _ = desk.drain()
    assert taken == {"q1", "q2"}
    assert [file.unit.id for file in files] == ["s"]


def take_one(fetcher: Any, source: str) -> list[Any]:
    taken = fetcher.take(max_bytes=1, max_units=1, linger_s=0)
    assert taken
    assert taken[0] == source
    return list(taken[1])


def test_file_on_disk_is_handed_out_without_a_request(tmp_path: Path) -> None:
    (unit,) = make_units("a")
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), [unit])
        desk.drain()
    api = FakeApi()
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, [unit])
        files, _ = desk.drain()
    assert api.asked == []
    assert [file.unit for file in files] == [unit]


@pytest.mark.parametrize("reason", ["changed", "deleted"])
def test_file_on_disk_that_is_of_no_use_is_fetched_again(tmp_path: Path, reason: str) -> None:
    (unit,) = make_units("a")
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), [unit])
        (file,), _ = desk.drain()
    if reason == "deleted":
        file.path.unlink()
    else:
        unit = replace(unit, declared_rows=9)
    api = FakeApi()
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, [unit])
        desk.drain()
    assert api.asked == ["a"]


def test_file_of_wrong_content_is_fetched_three_times_in_all(tmp_path: Path) -> None:
    api = FakeApi()
    (unit,) = make_units("a")
    answers = []
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, [unit])
        for attempt in (1, 2, 3):
            (file,) = desk.take()
            assert isinstance(file, SpooledFile)
            assert file.attempts == attempt
            answers.append(desk.fetcher.retry(api, file, unit))
            assert not file.path.exists()
        assert desk.fetcher.take(max_bytes=1, max_units=1) is None
        assert desk.journal.files("vendor") == []
    assert answers == [True, True, False]
    assert api.asked == ["a"] * 3


@pytest.mark.parametrize(
    "error",
    [
        AuthError("no", source="vendor", status=401),
        QuotaError("used up", source="vendor", status=400),
        RateLimitError("slow down", source="vendor"),
        ConnectorError("the disk is full"),
    ],
)
def test_refusal_of_everything_leaves_the_rest_to_the_next_run(
    tmp_path: Path, error: ConnectorError
) -> None:
    api = FakeApi(answers={"b": error})
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units("a", "b", "c", "d"))
        files, failures = desk.drain()
        assert desk.fetcher.stops("vendor") == [error]
        assert desk.left() == ["c", "d"]
    assert [file.unit.id for file in files] == ["a"]
    assert [(item.unit.id, item.exit_code) for item in failures] == [("b", error.exit_code)]
    assert sorted(api.asked) == ["a", "b"]


def test_one_source_that_is_refused_stops_no_other(tmp_path: Path) -> None:
    refused = FakeApi("refused", answers={"r": AuthError("no", source="refused")})
    other = FakeApi("other")
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(refused, make_units("r", "r2", source="refused"))
        desk.fetcher.add(other, make_units("o1", "o2", source="other"))
        files, failures = desk.drain()
        assert desk.fetcher.stops("other") == []
    assert sorted(file.unit.id for file in files) == ["o1", "o2"]
    assert [failure.unit.id for failure in failures] == ["r"]


@pytest.mark.parametrize("error", [SILENCE, BUSY])
def test_three_units_in_a_row_without_an_answer_are_an_outage(
    tmp_path: Path, error: ConnectorError
) -> None:
    api = FakeApi(answers=dict.fromkeys("abcde", error))
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abcde"))
        _, failures = desk.drain()
        assert desk.fetcher.stops("vendor") == [error]
        assert desk.left() == ["d", "e"]
    assert [failure.unit.id for failure in failures] == ["a", "b", "c"]


def test_an_answer_in_between_ends_the_silence(tmp_path: Path) -> None:
    api = FakeApi(answers=dict.fromkeys("abde", SILENCE))
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abcde"))
        files, failures = desk.drain()
        assert desk.fetcher.stops("vendor") == []
    assert ([file.unit.id for file in files], len(failures)) == (["c"], 4)


@pytest.mark.parametrize(
    "error", [BROKEN, DownloadError("cut off"), LossError("gone", units=["a"])]
)
def test_trouble_with_a_unit_is_that_units_own(tmp_path: Path, error: ConnectorError) -> None:
    api = FakeApi(answers=dict.fromkeys("abcd", error))
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abcde"))
        files, failures = desk.drain()
        assert desk.fetcher.stops("vendor") == []
    assert [file.unit.id for file in files] == ["e"]
    assert [failure.exit_code for failure in failures] == [error.exit_code] * 4


def test_downloads_pause_while_too_much_waits_to_be_loaded(tmp_path: Path) -> None:
    api = FakeApi()
    with open_desk(tmp_path, backlog_bytes=15) as desk:
        desk.fetcher.add(api, make_units(*"abcd"))
        first = take_one(desk.fetcher, "vendor") + take_one(desk.fetcher, "vendor")
        assert sorted(api.asked) == ["a", "b"]
        desk.fetcher.release(first)
        second = take_one(desk.fetcher, "vendor") + take_one(desk.fetcher, "vendor")
        desk.fetcher.release(second)
    assert api.asked == ["a", "b", "c", "d"]
    assert list(desk.spool.folder.iterdir()) == []


def test_released_file_is_deleted_or_kept_under_its_units_name(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), make_units("a/1", "b/2"))
        (one, other), _ = desk.drain()
        desk.fetcher.release([one])
        desk.fetcher.release([other], keep=True)
        assert desk.journal.files("vendor") == []
    (kept,) = desk.spool.folder.iterdir()
    assert "b_2" in kept.name


def test_one_package_is_bounded_in_bytes_and_units_but_holds_one_file_at_least(
    tmp_path: Path,
) -> None:
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), make_units(*"abcdefg"))
        sizes = []
        for max_bytes, max_units in ((1, 9), (25, 9), (99, 3)):
            taken = desk.fetcher.take(max_bytes=max_bytes, max_units=max_units, linger_s=PATIENCE_S)
            assert taken
            sizes.append(len(taken[1]))
    assert sizes[0] == 1
    assert sizes[1:] == [2, 3]


def test_bug_in_an_api_is_a_failure_and_no_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    api = FakeApi(answers={"b": ZeroDivisionError("oops")})
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abc"))
        files, failures = desk.drain()
        assert desk.left() == ["c"]
        assert "ZeroDivisionError" in str(desk.fetcher.stops("vendor"))
    assert [file.unit.id for file in files] == ["a"]
    assert failures[0].reason == "unexpected ZeroDivisionError: oops"
    assert [hook.exc_type for hook in raised] == [ZeroDivisionError]


def test_no_download_is_left_running_when_it_is_closed(tmp_path: Path) -> None:
    api = FakeApi(parallel=2, gate=threading.Event())
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units(*"abcdef"))
        for _ in range(2):
            assert api.entered.acquire(timeout=PATIENCE_S)
        closing = threading.Thread(target=desk.fetcher.close)
        closing.start()
        while not desk.fetcher.closing.is_set():
            closing.join(0.01)
        assert closing.is_alive()
        api.gate.set()  # type: ignore[union-attr]
        closing.join(PATIENCE_S)
        assert len(desk.journal.files("vendor")) == 2
    assert sorted(api.asked) == ["a", "b"]
    assert [t.name for t in threading.enumerate() if t.name.startswith("fetch-")] == []


def test_source_that_is_stopped_starts_nothing_more(tmp_path: Path) -> None:
    api = FakeApi(gate=threading.Event())
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(api, make_units("a", "b"))
        assert api.entered.acquire(timeout=PATIENCE_S)
        desk.fetcher.stop("vendor", SILENCE)
        api.gate.set()  # type: ignore[union-attr]
        files, _ = desk.drain()
        assert (desk.left(), desk.fetcher.stops("vendor")) == (["b"], [SILENCE])
    assert [file.unit.id for file in files] == ["a"]


def test_nothing_to_do_is_told_at_once(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.fetcher.add(FakeApi(), [])
        assert desk.drain() == ([], [])
        assert desk.fetcher.stops("unknown") == []
        assert desk.left("unknown") == []
