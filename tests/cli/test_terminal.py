"""How numbers and progress look."""

import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from rich.console import Console
from rich.progress import Progress

from connector.cli.progress import _Bars
from connector.cli.session import Session, print_whole, to_plain
from connector.cli.tables import make_table, show, show_bytes, show_span
from connector.warehouse.run_report import ProgressEvent
from tests.cli.conftest import SOURCE


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (48_213, "48.2 kB"), (5e15, "5000.0 TB")]
)
def test_sizes(size: float, said: str) -> None:
    assert show_bytes(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (2.5, "2.5 s"), (67, "1 min 7 s"), (529_200, "6 d 3 h"), (-61, "-1 min 1 s")],
)
def test_lengths_of_time(seconds: float, said: str) -> None:
    assert show_span(seconds) == said


def test_cells_say_what_they_are() -> None:
    moscow = timezone(timedelta(hours=3))
    assert show(datetime(2026, 1, 1, 3, tzinfo=moscow)) == "2026-01-01 00:00:00"
    assert [show(value) for value in (None, True, 1234567, "[x]")] == [
        "-",
        "yes",
        "1,234,567",
        "[x]",
    ]


def test_json_keeps_what_it_has_no_word_for() -> None:
    assert to_plain(Decimal("1.500")) == "1.500"
    assert to_plain(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00+00:00"
    assert to_plain({"b", "a"}) == ["a", "b"]


def test_narrow_terminal_breaks_heads_and_long_texts_but_no_short_cells() -> None:
    long = "why " * 30
    table = make_table(
        "", ("a very long head", "unit", "reason"), [("1", "4100001/event/17", long)]
    )
    out = io.StringIO()
    print_whole(Console(file=out, width=20), table)
    assert "4100001/event/17" in out.getvalue()
    assert out.getvalue().count("why") == 30
    assert max(map(len, out.getvalue().splitlines())) < 60


def test_bar_counts_fetched_windows_half_and_loaded_ones_whole() -> None:
    out = io.StringIO()
    bars = Progress(console=Console(file=out, force_terminal=True))
    drawn = _Bars(bars)
    drawn.notify(ProgressEvent("planned", SOURCE, units=10))
    drawn.notify(ProgressEvent("fetched", SOURCE, units=4, bytes=100))
    assert (bars.tasks[0].completed, bars.tasks[0].total) == (4, 20)
    drawn.notify(ProgressEvent("loaded", SOURCE, units=10, rows=50))
    assert bars.tasks[0].finished
    assert bars.tasks[0].fields["loaded"] == 10


def test_what_the_vendor_prepares_stands_beside_the_bar_until_something_comes() -> None:
    bars = Progress(console=Console(file=io.StringIO()))
    drawn = _Bars(bars)
    drawn.notify(ProgressEvent("planned", SOURCE, units=1))
    drawn.notify(ProgressEvent("waiting", SOURCE, text="events/1/receive 94%"))
    assert bars.tasks[0].description == f"{SOURCE} events/1/receive 94%"
    drawn.notify(ProgressEvent("fetched", SOURCE, units=1, bytes=9))
    assert bars.tasks[0].description == SOURCE


def test_quiet_session_keeps_errors_and_drops_notes(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(is_quiet=True)
    session.note("nothing to see")
    assert session.fail("something broke", 4) == 4
    assert capsys.readouterr().err == "error: something broke\n"
