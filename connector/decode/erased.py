"""Which rows are those of people who were erased, so that no older file brings them back.

A person is known by digests only: sha256 of the warehouse's salt, the kind of id and the id. The
kinds are `user` (the app's own id of the person, in all sources), `<vendor>.user` (an id that stands
for the person with one vendor only, as a device that nobody has logged in on), `<vendor>.device` and
`advertising` (lower case; it is of the device, whichever vendor tells it). The vendor is the first
word of a source's name: both sources of AppMetrica have the same devices.

A row is a person's if its user id is one of theirs; or if it has no user id, and its device id, or
without one its advertising id, is one of theirs. A tombstone is bounded in time, because the app may
give an id to somebody else: a row that both happened and was received after it is not the person's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from connector.fields import Field, Table

USER, DEVICE, ADVERTISING = "user", "device", "advertising"
ANONYMOUS = "anonymous"
PLACEHOLDERS = ("0", ANONYMOUS, "n/a", "none", "null", "undefined", "unknown")
"""What stands in the place of an id, in lower case, where a device has none."""
ZEROS = "[0-]*"
"""What an id consists of, whole, that a device hides."""

_ZEROS = re.compile(ZEROS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IdColumns:
    """The raw columns of a table that hold ids, by whose they are."""

    user: tuple[str, ...]
    device: tuple[str, ...]
    advertising: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.user or self.device or self.advertising)


def find_id_columns(fields: Iterable[Field], present: Iterable[str]) -> IdColumns:
    """The id columns among the `present` ones."""
    there = set(present)
    found: dict[str, list[str]] = {USER: [], DEVICE: [], ADVERTISING: []}
    for field in fields:
        if field.identifies and field.column in there:
            found[field.identifies].append(field.column)
    return IdColumns(*(tuple(dict.fromkeys(found[kind])) for kind in (USER, DEVICE, ADVERTISING)))


def list_kinds(identifies: str, source: str) -> tuple[str, ...]:
    """The kinds of id a column of this source may hold."""
    own = f"{source.partition('_')[0]}.{identifies}"
    return {USER: (USER, own), DEVICE: (own,), ADVERTISING: (ADVERTISING,)}[identifies]


def is_nobody(identifies: str, value: str) -> bool:
    """True where the text is no id: nobody is erased by it."""
    if identifies == USER:
        return not value.strip(" ") or value.lower() == ANONYMOUS
    return value.lower() in PLACEHOLDERS or _ZEROS.fullmatch(value) is not None


def digest_id(salt: str, kind: str, value: str) -> str:
    """The hex digest a tombstone holds."""
    known = value.lower() if kind == ADVERTISING else value
    return sha256(f"{salt}{kind}{known}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Erased:
    """Tombstones of one warehouse: (kind, digest) -> the moment of the erasure (aware UTC)."""

    salt: str
    until: Mapping[tuple[str, str], datetime]

    def find(
        self,
        table: Table,
        columns: Mapping[str, pa.Array],
        default_at: datetime | None = None,
    ) -> pa.BooleanArray | None:
        """True where a row is an erased person's; None where none can be.

        `columns` are a batch's, by raw column. A row is as old as the earlier of its event and its
        receive time; one without either is of `default_at`, or else older than any erasure.
        """
        if not self.until:
            return None
        ids = find_id_columns(table.fields, columns)
        if not ids:
            return None
        has_user, user = self._match(table, USER, ids.user, columns)
        left = columns if has_user is None else _blank(columns, ids.device, has_user)
        has_device, device = self._match(table, DEVICE, ids.device, left)
        _, advertising = self._match(table, ADVERTISING, ids.advertising, columns)
        by_device = _choose(has_device, device, advertising)
        until = _choose(has_user, user, by_device)
        if until is None or until.null_count == len(until):
            return None
        at = _find_times(table, columns, default_at, len(until))
        is_old = pc.fill_null(pc.less_equal(at, until), fill_value=True)
        return pc.and_(pc.is_valid(until), is_old)

    def _match(
        self, table: Table, identifies: str, names: Iterable[str], columns: Mapping[str, pa.Array]
    ) -> tuple[pa.Array | None, pa.Array | None]:
        """By row: whether it has such an id, and until when it is an erased person's (microseconds
        since 1970, NULL where it is not). None where the table has no such column.
        """
        kinds = [kind for kind in list_kinds(identifies, table.source) if kind in self._kinds]
        has: pa.Array | None = None
        until: pa.Array | None = None
        for name in names:
            encoded = _encode(columns[name])
            values = encoded.dictionary.to_pylist()
            known = [value is not None and not is_nobody(identifies, value) for value in values]
            moments = [
                self._find_until(kinds, value) if is_known else None
                for value, is_known in zip(values, known, strict=True)
            ]
            here = pc.fill_null(_take(pa.array(known, pa.bool_()), encoded), fill_value=False)
            then = _take(pa.array(moments, pa.int64()), encoded)
            has = here if has is None else pc.or_(has, here)
            until = then if until is None else pc.max_element_wise(until, then)
        return has, until

    def _find_until(self, kinds: Iterable[str], value: str) -> int | None:
        found = (self.until.get((kind, digest_id(self.salt, kind, value))) for kind in kinds)
        return max((_to_micros(at) for at in found if at is not None), default=None)

    @property
    def _kinds(self) -> frozenset[str]:
        """The kinds of id there are tombstones of."""
        return frozenset(kind for kind, _ in self.until)


NOBODY = Erased("", {})
"""Nobody was erased."""


def _blank(
    columns: Mapping[str, pa.Array], names: Iterable[str], is_told: pa.Array
) -> dict[str, pa.Array]:
    """These columns, empty where the row is told by another: hashing takes most of the time."""
    nothing = pa.scalar(None, pa.string())
    return {name: pc.if_else(is_told, nothing, _to_text(columns[name])) for name in names}


def _to_text(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string())


def _encode(column: pa.Array) -> pa.DictionaryArray:
    return _to_text(column).dictionary_encode()


def _take(values: pa.Array, encoded: pa.DictionaryArray) -> pa.Array:
    return values.take(encoded.indices)


def _choose(has: pa.Array | None, one: pa.Array | None, other: pa.Array | None) -> pa.Array | None:
    """`one` where the row has such an id, else `other`."""
    if has is None:
        return other
    if other is None:
        other = pa.nulls(len(has), pa.int64())
    return pc.if_else(has, one, other)


def _find_times(
    table: Table, columns: Mapping[str, pa.Array], default_at: datetime | None, rows: int
) -> pa.Array:
    """How old each row is, microseconds since 1970; NULL where nothing tells."""
    times = [_to_numbers(columns[name]) for name in _list_times(table) if name in columns]
    if default_at is not None:
        default = pa.array([_to_micros(default_at)] * rows, pa.int64())
        at = pc.min_element_wise(*times) if times else default
        return pc.coalesce(at, default)
    return pc.min_element_wise(*times) if times else pa.nulls(rows, pa.int64())


def _list_times(table: Table) -> Iterator[str]:
    for name in (table.event_time, table.receive_time):
        if name:
            yield table.field(name).column


def _to_numbers(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())


def _to_micros(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
