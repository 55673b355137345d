"""What create.json is sent, and what get.json says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from connector.errors import ServerError
from connector.sources.mytracker.boxes import Box
from connector.sources.mytracker.export import (
    LONGEST_QUERY,
    Export,
    ExportState,
    encode,
    read_state,
)
from tests.unit.sources.test_mytracker_filters import read

LOWER = datetime(2026, 3, 10, tzinfo=UTC)
LOWER_S = int(LOWER.timestamp())
UPPER_S = LOWER_S + 3600
NOW = LOWER + timedelta(days=1, microseconds=999_999)
NOW_S = int(NOW.timestamp())
BOX = Box(LOWER, LOWER + timedelta(hours=1))
PLAIN = Export(
    event="customEvents",
    selectors=("tsEvent", "tsInsert", "params.name"),
    box=BOX,
    filters={},
    timezone="UTC",
    event_floor=0,
    has_inclusive_bounds=True,
)


def bounds_of(export: Export) -> tuple[int, ...]:
    """Event time, then availability."""
    given = dict(export.list_parameters(NOW))
    names = ("tsFrom", "tsTo", "availabilityTsFrom", "availabilityTsTo")
    return tuple(int(given[name]) for name in names)


def test_whole_interval_is_asked_for_with_all_event_times() -> None:
    assert PLAIN.list_parameters(NOW) == [
        ("event", "customEvents"),
        ("selectors", "tsEvent,tsInsert,params.name"),
        ("tsFrom", "0"),
        ("tsTo", str(NOW_S)),
        ("availabilityTsFrom", str(LOWER_S)),
        ("availabilityTsTo", str(UPPER_S - 1)),
        ("timezone", "UTC"),
    ]


@pytest.mark.parametrize(
    ("changes", "box", "bounds"),
    [
        ({}, {}, (0, NOW_S, LOWER_S, UPPER_S - 1)),
        ({"has_margin": True}, {}, (0, NOW_S, LOWER_S - 1, UPPER_S)),
        ({"has_inclusive_bounds": False}, {}, (0, NOW_S, LOWER_S - 1, UPPER_S)),
        (
            {"has_inclusive_bounds": False, "has_margin": True},
            {},
            (0, NOW_S, LOWER_S - 1, UPPER_S),
        ),
        ({"event_floor": 77}, {}, (77, NOW_S, LOWER_S, UPPER_S - 1)),
        ({"event_floor": 77}, {"event_from": 90}, (90, NOW_S, LOWER_S, UPPER_S - 1)),
        ({}, {"event_from": 5, "event_to": 9}, (5, 8, LOWER_S, UPPER_S - 1)),
        ({}, {"event_from": 5, "event_to": 6}, (5, 5, LOWER_S, UPPER_S - 1)),
        ({}, {"event_to": 9}, (0, 8, LOWER_S, UPPER_S - 1)),
        ({"has_margin": True}, {"event_from": 5}, (5, NOW_S, LOWER_S - 1, UPPER_S)),
        (
            {"has_inclusive_bounds": False},
            {"event_from": 5, "event_to": 9},
            (4, 9, LOWER_S - 1, UPPER_S),
        ),
        ({"has_inclusive_bounds": False}, {"event_from": 0}, (0, NOW_S, LOWER_S - 1, UPPER_S)),
        ({}, {"event_from": 5, "event_to": NOW_S + 9}, (5, NOW_S, LOWER_S, UPPER_S - 1)),
    ],
)
def test_bounds(changes: dict[str, Any], box: dict[str, Any], bounds: tuple[int, ...]) -> None:
    assert bounds_of(replace(PLAIN, box=replace(BOX, **box), **changes)) == bounds


@pytest.mark.parametrize("is_inclusive", [True, False])
def test_every_second_is_in_one_piece_as_the_vendor_reads_it(*, is_inclusive: bool) -> None:
    pieces = [
        part for half in BOX.cut_event(50) for part in half.cut_event(60 if half.event_from else 40)
    ]
    exports = [replace(PLAIN, box=piece, has_inclusive_bounds=is_inclusive) for piece in pieces]
    for second in range(1, 100):
        asked = [bounds_of(export)[:2] for export in exports]
        wide = 0 if is_inclusive else 1
        assert sum(low + wide <= second <= high - wide for low, high in asked) == 1


def test_nothing_is_asked_for_before_1970() -> None:
    box = Box(datetime(1970, 1, 1, tzinfo=UTC), LOWER)
    assert bounds_of(replace(PLAIN, box=box, has_margin=True))[2] == 0


def test_filters_follow_and_names_of_events_come_one_by_one() -> None:
    given = {"eventName": ["a, b", "c&d"], "eventNameInvert": 1, "idCountry": "188,200"}
    filters = read("customEvents", id_apps="1,454", filters=given)["customEvents"]
    found = replace(PLAIN, filters=filters, timezone="Europe/Moscow").list_parameters(NOW)
    assert found[6:] == [
        ("timezone", "Europe/Moscow"),
        ("idApp", "1,454"),
        ("eventName[]", "a, b"),
        ("eventName[]", "c&d"),
        ("eventNameInvert", "1"),
        ("idCountry", "188,200"),
    ]


def test_pieces_ask_for_their_own_values() -> None:
    filters = {"idApp": tuple(map(str, range(20))), "rooted": ("1",)}
    pieces = [replace(PLAIN, box=box, filters=filters) for box in BOX.deal("idApp", 2)]
    asked = [dict(piece.list_parameters(NOW)) for piece in pieces]
    assert [given["rooted"] for given in asked] == ["1", "1"]
    values = [given["idApp"].split(",") for given in asked]
    assert sorted(int(value) for part in values for value in part) == list(range(20))
    assert [tuple(part) for part in values] == [piece.values("idApp") for piece in pieces]


def test_parameters_are_encoded_as_the_vendor_shows_them() -> None:
    given = [
        ("selectors", "idApp,params.name"),
        ("eventName[]", "a b&й+~"),
        ("timezone", "Europe/Moscow"),
    ]
    text = encode(given)
    assert text == (
        "selectors=idApp,params.name&eventName%5B%5D=a%20b%26%D0%B9%2B~&timezone=Europe/Moscow"
    )
    assert parse_qsl(text) == given


def test_a_long_list_passes_the_longest_query() -> None:
    def measure(count: int) -> int:
        filters = {"eventName": tuple(f"event {number}" for number in range(count))}
        return len(encode(replace(PLAIN, filters=filters).list_parameters(NOW)))

    assert measure(100) < LONGEST_QUERY < measure(400)


def describe(**data: Any) -> ExportState:
    return read_state({"idRawExport": "4", **data})


LINK = "https://tracker.my.com/storage/download/raw/4.payment.26c427ac8680888803ee05e34835b6dd.0.csv.gz"


def test_export_under_way() -> None:
    state = describe(status="In progress", progress="64%", isCancellable=False)
    assert state == ExportState("running", "In progress", 0.64)
    assert describe(status="In progress", isCancellable=True).is_cancellable


def test_export_that_is_ready() -> None:
    files = [{"link": LINK, "timestampExpires": "1529746957"}, {"link": f"{LINK}1"}]
    state = describe(status="Success!", files=files)
    assert (state.state, state.progress) == ("done", None)
    assert state.links == ((LINK, 1_529_746_957), (f"{LINK}1", None))


@pytest.mark.parametrize("files", [{}, {"files": []}, {"files": None}, {"files": {}}])
def test_export_without_files_has_no_rows(files: dict[str, Any]) -> None:
    assert describe(status="Success!", **files) == ExportState("done", "Success!")


@pytest.mark.parametrize(
    ("expires", "moment"),
    [("1529746957", 1_529_746_957), (1_529_746_957, 1_529_746_957), ("", None), (None, None)],
)
def test_expiry_is_text_or_a_number(expires: object, moment: int | None) -> None:
    state = describe(status="Success!", files=[{"link": LINK, "timestampExpires": expires}])
    assert state.links == ((LINK, moment),)


@pytest.mark.parametrize("item", [{}, {"link": ""}, {"link": None}, "link", None])
def test_a_file_without_a_link_is_no_file(item: object) -> None:
    with pytest.raises(ServerError, match="without a link"):
        describe(status="Success!", files=[item])


@pytest.mark.parametrize(
    ("message", "is_too_large"),
    [
        ("Too many lines in export", True),
        ("Too many lines in one export", True),
        ("too many LINES in export.", True),
        ("Too much export data", True),
        ("Argument 'idApp' is invalid", False),
        ("", False),
        (None, False),
    ],
)
def test_export_that_was_refused(message: str | None, *, is_too_large: bool) -> None:
    state = describe(status="User error occurred", errorMessage=message)
    assert (state.state, state.message) == ("refused", message or "")
    assert state.is_too_large == is_too_large


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Error occurred", "failed"),
        ("User error occurred", "refused"),
        ("Canceled by user", "cancelled"),
        ("Cancelled by user.", "cancelled"),
        ("IN PROGRESS", "running"),
        ("in progress...", "running"),
        (" In progress… ", "running"),
        ("Success", "done"),
        ("SUCCESS!!", "done"),
        ("success .", "done"),
        ("Error occurred!", "failed"),
        ("Error", "unknown"),
        ("Queued", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_status_is_known_by_its_words(status: str | None, state: str) -> None:
    assert describe(status=status).state == state


def test_answer_without_a_status_is_unknown() -> None:
    assert read_state({}) == ExportState("unknown", "")


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        ("0%", 0),
        ("64%", 0.64),
        ("64", 0.64),
        (64, 0.64),
        ("64.5 %", 0.645),
        ("130%", 1),
        ("-1%", 0),
        ("", None),
        ("half", None),
        (None, None),
        ([], None),
    ],
)
def test_progress(progress: object, share: float | None) -> None:
    assert describe(status="In progress", progress=progress).progress == share
