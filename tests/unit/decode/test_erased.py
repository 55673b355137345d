"""Whose a row is, by tombstones that hold digests only."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from connector.decode.erased import NOBODY, Erased, digest_id, find_id_columns, is_nobody
from connector.fields import Table, arrow_schema, load_tables

SALT = "salt"
ERASED_AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
BEFORE, AFTER = ERASED_AT - timedelta(days=1), ERASED_AT + timedelta(days=1)
EVENT = load_tables("appmetrica_stream")["event"]
VIEW = load_tables("shortkit")["events"]
PROFILE = load_tables("appmetrica_logs")["profiles_v2"]
GAID = "AAAAAAAA-1111-4222-8333-444444444444"

Row = Mapping[str, Any]


def erase(*ids: tuple[str, str], at: datetime = ERASED_AT) -> Erased:
    """Tombstones of these ids, each (kind, id)."""
    return Erased(SALT, {(kind, digest_id(SALT, kind, value)): at for kind, value in ids})


def columns_of(table: Table, rows: list[Row]) -> dict[str, pa.Array]:
    """The rows as a batch of the raw table: only the columns they have."""
    schema = arrow_schema(table)
    names = {name for row in rows for name in row}
    return {
        name: pa.array([row.get(name) for row in rows], schema.field(name).type) for name in names
    }


def find(erased: Erased, table: Table, *rows: Row, **more: Any) -> list[bool]:
    found = erased.find(table, columns_of(table, list(rows)), **more)
    return [False] * len(rows) if found is None else found.to_pylist()


def event(user: str | None = None, device: str | None = None, **more: Any) -> Row:
    known = {"profile_id": user, "appmetrica_device_id": device, "event_timestamp": BEFORE}
    return known | more


ALL_IDS = erase(("user", "u1"), ("appmetrica.device", "7"), ("advertising", GAID))


def test_a_row_is_a_persons_by_its_user_id() -> None:
    assert find(ALL_IDS, EVENT, event("u1", "9"), event("u2", "9")) == [True, False]


def test_a_row_of_another_user_on_a_shared_device_stays() -> None:
    assert find(ALL_IDS, EVENT, event("u2", "7"), event("u1", "7")) == [False, True]


@pytest.mark.parametrize("nobody", [None, "", "anonymous", "Anonymous", "ANONYMOUS", " "])
def test_without_a_user_id_the_device_decides(nobody: str | None) -> None:
    rows = (event(nobody, "7"), event(nobody, "8"), event(nobody, None))
    assert find(ALL_IDS, EVENT, *rows) == [True, False, False]


def test_without_user_and_device_the_advertising_id_decides_in_any_case() -> None:
    rows = (
        event(google_aid=GAID),
        event(ios_ifa=GAID.lower()),
        event(device="8", google_aid=GAID),
        event(user="u2", google_aid=GAID),
        event(device="0", google_aid=GAID.lower(), ios_ifa="00000000-0000-0000-0000-000000000000"),
    )
    assert find(ALL_IDS, EVENT, *rows) == [True, True, False, False, True]


def test_a_device_is_of_one_vendor_only() -> None:
    of_mytracker = erase(("mytracker.device", "7"))
    assert find(of_mytracker, EVENT, event(device="7")) == [False]
    of_both_sources = load_tables("appmetrica_logs")["events"]
    assert find(ALL_IDS, of_both_sources, event(device="7")) == [True]


def test_a_device_may_be_the_user_id_until_somebody_logs_in() -> None:
    erased = erase(("user", "u1"), ("shortkit.user", "d1"), ("shortkit.device", "d1"))
    rows = (
        {"user_id": "d1", "device_id": "d1", "timestamp": BEFORE},
        {"user_id": "d2", "device_id": "d1", "timestamp": BEFORE},
        {"user_id": "anonymous", "device_id": "d1", "timestamp": BEFORE},
    )
    assert find(erased, VIEW, *rows) == [True, False, True]


def test_an_id_that_is_given_to_somebody_else_loads_again() -> None:
    rows = (
        event("u1", event_timestamp=ERASED_AT),
        event("u1", event_timestamp=ERASED_AT + timedelta(microseconds=1)),
        event("u1", event_timestamp=None),
    )
    assert find(ALL_IDS, EVENT, *rows) == [True, False, True]


def test_a_row_is_as_old_as_the_earlier_of_its_times() -> None:
    rows = (
        event("u1", event_timestamp=AFTER, event_receive_timestamp=BEFORE),  # a clock that was fast
        event("u1", event_timestamp=BEFORE, event_receive_timestamp=AFTER),  # sent late
        event("u1", event_timestamp=None, event_receive_timestamp=AFTER),
        event("u1", event_timestamp=AFTER, event_receive_timestamp=AFTER),
    )
    assert find(ALL_IDS, EVENT, *rows) == [True, True, False, False]


def test_a_table_without_times_is_of_the_moment_told() -> None:
    row = {"profile_id": "u1"}
    assert find(ALL_IDS, PROFILE, row) == [True]
    assert find(ALL_IDS, PROFILE, row, default_at=ERASED_AT) == [True]
    assert find(ALL_IDS, PROFILE, row, default_at=AFTER) == [False]


def test_nothing_to_find() -> None:
    rows = columns_of(EVENT, [event("u1", "7")])
    assert NOBODY.find(EVENT, rows) is None
    assert ALL_IDS.find(EVENT, {"event_name": pa.array(["x"])}) is None
    assert ALL_IDS.find(EVENT, columns_of(EVENT, [event("u2")])) is None


def test_encoded_and_chunked_columns_are_read_alike() -> None:
    columns = columns_of(EVENT, [event("u1"), event("u2"), event("u1")])
    users = columns["profile_id"]
    chunked = pa.chunked_array([users[:1], users[1:]])
    for spelled in (users.dictionary_encode(), chunked):
        found = ALL_IDS.find(EVENT, columns | {"profile_id": spelled})
        assert found is not None
        assert found.to_pylist() == [True, False, True]


def test_every_row_of_a_long_batch_is_answered() -> None:
    rows = [event(f"u{number % 5}", f"{number % 11}") for number in range(5_000)]
    found = ALL_IDS.find(EVENT, columns_of(EVENT, rows))
    assert found is not None
    assert found.to_pylist() == [number % 5 == 1 for number in range(5_000)]


def test_placeholders_are_nobody() -> None:
    assert is_nobody("device", "0")
    assert is_nobody("advertising", "00000000-0000-0000-0000-000000000000")
    assert is_nobody("device", "Unknown")
    assert not is_nobody("user", "0")
    assert not is_nobody("device", "7")


def test_id_columns_are_those_of_the_batch() -> None:
    found = find_id_columns(EVENT.fields, ["profile_id", "google_aid", "event_name"])
    assert (found.user, found.device, found.advertising) == (("profile_id",), (), ("google_aid",))
    assert not find_id_columns(EVENT.fields, ["event_name"])
