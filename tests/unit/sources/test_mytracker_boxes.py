"""Boxes: what is missing of a whole is found exactly, and cutting ends somewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sources.mytracker.boxes import (
    SHORTEST,
    Box,
    find_missing,
    halve_availability,
    halve_event_time,
    parse_box,
)

START = datetime(2026, 3, 10, tzinfo=UTC)
START_S = int(START.timestamp())
NOW = START + timedelta(days=2)
WHOLE = Box(START, START + timedelta(hours=1))
VALUES = {"idApp": [str(n) for n in range(1, 25)], "idCountry": ["7", "188", "200", "643"]}
SECOND = timedelta(seconds=1)
Point = tuple[datetime, int, str, str]


def at(second: int) -> datetime:
    return START + second * SECOND


def holds(box: Box, point: Point) -> bool:
    """Whether a row is in the box, by the words of the contract."""
    available, event, app, country = point
    return (
        box.lower_at <= available < box.upper_at
        and (box.event_from is None or box.event_from <= event)
        and (box.event_to is None or event < box.event_to)
        and all(
            crc32({"idApp": app, "idCountry": country}[name].encode()) % n == k
            for name, k, n in box.shares
        )
    )


@st.composite
def cuts(draw: st.DrawFn, box: Box) -> list[Box]:
    """The box in two or more, cut somewhere in one of the ways there are."""
    kind = draw(st.sampled_from(["availability", "event", "idApp", "idCountry"]))
    if kind == "availability":
        length = int((box.upper_at - box.lower_at).total_seconds())
        if length < 2:
            return [box]
        return box.cut_availability(box.lower_at + draw(st.integers(1, length - 1)) * SECOND)
    if kind == "event":
        lower = START_S - 2000 if box.event_from is None else box.event_from
        upper = START_S + 2000 if box.event_to is None else box.event_to
        return (
            box.cut_event(draw(st.integers(lower + 1, upper - 1))) if upper - lower > 1 else [box]
        )
    return box.deal(kind, draw(st.integers(2, 3)))


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> list[Box]:
    """The whole in pieces that are the whole together."""
    boxes = [WHOLE]
    for _ in range(draw(st.integers(0, depth))):
        place = draw(st.integers(0, len(boxes) - 1))
        boxes[place : place + 1] = draw(cuts(boxes[place]))
    return boxes


def sample(boxes: Iterable[Box]) -> list[Point]:
    """Rows next to every edge of the boxes, of several apps and countries."""
    moments, events = {START, WHOLE.upper_at - SECOND}, {START_S, 0, START_S + 10_000}
    for box in boxes:
        moments |= {box.lower_at, box.lower_at - SECOND, box.upper_at, box.upper_at - SECOND}
        events |= {at for edge in (box.event_from, box.event_to) if edge for at in (edge, edge - 1)}
    return [
        (moment, event, app, country)
        for moment in sorted(moments)
        for event in sorted(events)
        for app in VALUES["idApp"][::4]
        for country in VALUES["idCountry"][:3]
    ]


def assert_each_once(boxes: Sequence[Box], whole: Box = WHOLE) -> None:
    """Every row of the whole is in exactly one of the boxes, any other row in none."""
    for point in sample([whole, *boxes]):
        assert sum(holds(box, point) for box in boxes) == holds(whole, point), point


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    lower = draw(st.integers(0, 10**9))
    bounds = st.none() | st.integers(-10, 4 * 10**9)
    names = st.sampled_from(["SDKKey", "idApp", "idCountry"])
    shares = draw(st.dictionaries(names, st.tuples(st.integers(0, 99), st.integers(1, 64))))
    return Box(
        at(lower),
        at(lower + draw(st.integers(1, 10**6))),
        draw(bounds),
        draw(bounds),
        tuple((name, k, n) for name, (k, n) in sorted(shares.items())),
    )


@given(boxes())
def test_a_box_is_read_from_its_name(box: Box) -> None:
    assert parse_box(box.name) == box


def test_names_are_of_this_form() -> None:
    assert WHOLE.name == "20260310T000000Z-20260310T010000Z"
    (piece, _) = WHOLE.cut_event(5)[1].deal("idApp", 2)
    assert piece.name == "20260310T000000Z-20260310T010000Z~event:5..~idApp:0of2"
    assert (WHOLE.is_whole, piece.is_whole) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20260310T000000Z",
        "20260310T000000Z-2026-03-10",
        f"{WHOLE.name}~",
        f"{WHOLE.name}~idApp:1",
        f"{WHOLE.name}~event:1",
        f"{WHOLE.name}~event:a..b",
    ],
)
def test_what_names_no_box_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no box"):
        parse_box(text)


@given(trees())
def test_pieces_are_the_whole_together(pieces: list[Box]) -> None:
    assert_each_once(pieces)


@given(trees(), st.data())
def test_what_is_missing_and_what_is_held_are_the_whole(
    pieces: list[Box], data: st.DataObject
) -> None:
    held = [piece for piece in pieces if data.draw(st.booleans())]
    missing = list(find_missing(WHOLE, held))
    assert_each_once([*held, *missing])
    everything = [*held, *missing]
    for number, box in enumerate(everything):
        assert not any(box.overlaps(other) for other in everything[number + 1 :])
    assert list(find_missing(WHOLE, everything)) == []


@given(trees(depth=2), trees(depth=2))
def test_what_is_missing_of_pieces_cut_otherwise_overlaps_nothing(
    held: list[Box], wanted: list[Box]
) -> None:
    lost = held[0]
    missing = [box for piece in wanted for box in find_missing(piece, held[1:])]
    assert_each_once([*held[1:], *missing])
    assert all(list(find_missing(box, [lost])) == [] for box in missing)


@given(trees(), trees())
def test_boxes_overlap_where_a_row_may_be_in_both(one: list[Box], two: list[Box]) -> None:
    points = sample([*one, *two])
    for box in one:
        for other in two:
            is_shared = any(holds(box, point) and holds(other, point) for point in points)
            assert box.overlaps(other) or not is_shared
            assert box.overlaps(other) == other.overlaps(box)


def test_what_is_held_elsewhere_leaves_the_whole() -> None:
    beside = Box(WHOLE.upper_at, WHOLE.upper_at + timedelta(hours=1))
    assert list(find_missing(WHOLE, [beside])) == [WHOLE]
    assert list(find_missing(WHOLE, [Box(START - SECOND, NOW)])) == []


def test_shares_of_different_sizes_are_told_apart() -> None:
    (half, *_), thirds = WHOLE.deal("idApp", 2), WHOLE.deal("idApp", 3)
    missing = list(find_missing(WHOLE, [half, thirds[0]]))
    assert [box.shares for box in missing] == [(("idApp", 1, 6),), (("idApp", 5, 6),)]


def test_values_of_a_share_are_those_of_its_checksum() -> None:
    values = [f"event {n}, b" for n in range(500)]
    pieces = WHOLE.deal("eventName", 7)
    taken = [piece.take("eventName", values) for piece in pieces]
    assert sorted(value for part in taken for value in part) == sorted(values)
    assert WHOLE.take("eventName", values) == tuple(values)
    assert all(part for part in taken)


@given(st.integers(120, 90_000))
def test_halves_of_availability_are_exact_and_about_equal(length: int) -> None:
    box = Box(START, at(length))
    first, second = halve_availability(box)
    assert (first.lower_at, first.upper_at) == (START, second.lower_at)
    assert second.upper_at == box.upper_at
    assert 0 <= (second.upper_at - second.lower_at - (first.upper_at - START)) / SECOND <= 1
    assert first.upper_at - START >= SHORTEST


@given(st.integers(1, 86_400))
def test_halving_ends_at_a_minute(length: int) -> None:
    waiting, done = [Box(START, at(length))], list[Box]()
    while waiting:
        box = waiting.pop()
        halves = halve_availability(box)
        waiting += halves
        done += [] if halves else [box]
    lengths = {(box.upper_at - box.lower_at) / SECOND for box in done}
    assert max(lengths) < 120
    assert min(lengths) >= min(length, 60)
    assert len(done) <= 1 + length // 60


def test_a_day_is_halved_at_a_bound_of_what_holds_it() -> None:
    box = Box(START, START + timedelta(days=1))
    bounds = [START + timedelta(hours=hour) for hour in (0, 1, 10, 24)]
    first, second = halve_availability(box, bounds)
    assert first.upper_at == second.lower_at == START + timedelta(hours=10)
    first, _ = halve_availability(first, bounds)
    assert first.upper_at == START + timedelta(hours=1)
    first, _ = halve_availability(first, bounds)
    assert first.upper_at == START + timedelta(minutes=30)


@given(st.integers(0, 3 * 86_400), st.sampled_from([0, START_S - 86_400, START_S + 60]))
def test_cutting_event_time_ends_at_one_second(target: int, floor: int) -> None:
    event, box, steps = START_S - 2 * 86_400 + target, WHOLE, 0
    while halves := halve_event_time(box, NOW, floor):
        assert_is_cut(box, halves)
        box = next(half for half in halves if holds(half, (START, event, "1", "7")))
        steps += 1
        assert steps < 60
    if floor <= event <= NOW.timestamp():
        assert box.event_from is None or box.event_to is None or box.event_to - box.event_from == 1
        assert (box.event_from or floor, box.event_to or int(NOW.timestamp()) + 1) == (
            event,
            event + 1,
        )


def assert_is_cut(box: Box, halves: Sequence[Box]) -> None:
    first, second = halves
    assert (first.event_from, second.event_to) == (box.event_from, box.event_to)
    assert first.event_to == second.event_from
    assert replace(first, event_to=box.event_to) == box


@given(st.integers(1, 10**9), st.booleans())
def test_no_half_lies_before_the_floor_or_in_the_future(floor: int, is_near: bool) -> None:
    floor = START_S - floor % 10**6 if is_near else floor
    box = WHOLE
    while halves := halve_event_time(box, NOW, floor):
        cut = halves[0].event_to
        assert cut is not None
        assert floor < cut <= NOW.timestamp()
        box = halves[0]


def test_event_time_is_cut_first_where_most_events_lie() -> None:
    first, second = halve_event_time(WHOLE, NOW)
    assert first.event_to == START_S - 3600
    assert halve_event_time(second, NOW)[0].event_to == START_S
    assert halve_event_time(first, NOW)[0].event_to == START_S - 86_400


def test_one_second_of_event_time_is_not_cut() -> None:
    assert halve_event_time(replace(WHOLE, event_from=5, event_to=6), NOW) == []
    assert halve_event_time(replace(WHOLE, event_from=5, event_to=7), NOW) != []
    assert halve_event_time(replace(WHOLE, event_to=1), NOW) == []
    future = int(NOW.timestamp())
    assert halve_event_time(replace(WHOLE, event_from=future), NOW) == []
