"""The vendor's dictionaries: events, what each can be asked for, time zones, codes.

Events and zones: tracker.my.com/docs/api/export-api/raw/create. No public page has the selectors of
money; names that begin with `invented` are made up here and are no vendor's.
"""

from collections.abc import Mapping
from functools import cache
from zlib import crc32

from connector.fields import load_tables

SOURCE = "mytracker"
PAYMENTS = frozenset(
    {"payments", "userPayments", "testPayments", "trialPayments", "userTrialPayments"}
)
CUSTOM = frozenset({"customEvents", "userCustomEvents"})
AD_EVENTS = frozenset({"adMonetization", "userAdMonetization"})
_MONEY = (
    "inventedAmount",
    "inventedCurrency",
    "inventedProduct",
    "inventedTransaction",
    "inventedQuantity",
)
_ADS = (
    "inventedRevenue",
    "inventedCurrency",
    "inventedNetwork",
    "inventedUnit",
    "inventedPlacement",
)
_NOT_AVAILABLE: Mapping[str, frozenset[str]] = {"installs": frozenset({"tsInstall"})}
"""Selectors a loader was refused for an event (an install's own time is tsEvent)."""

ZONES = (
    "UTC",
    "Europe/Moscow",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Kaliningrad",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Vladivostok",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
)
"""The closed list of time zones."""

MEDIATORS = ("1", "2", "3")
"""The ids of ad mediators."""


@cache
def events() -> tuple[str, ...]:
    """The names of all events, in the order of the field table."""
    return tuple(table.endpoint for table in load_tables(SOURCE).values())


@cache
def selectors_of(event: str) -> tuple[str, ...]:
    """The selectors of an event: those of its field table, then the invented ones."""
    table = next(t for t in load_tables(SOURCE).values() if t.endpoint == event)
    gone = _NOT_AVAILABLE.get(event, frozenset())
    own = _MONEY if event in PAYMENTS else _ADS if event in AD_EVENTS else ()
    known = [field.name for field in table.fields if field.name not in gone]
    return tuple(dict.fromkeys([*known, *own]))


@cache
def field_types(event: str) -> Mapping[str, str]:
    """Type of each selector the field table knows."""
    table = next(t for t in load_tables(SOURCE).values() if t.endpoint == event)
    return {field.name: field.type for field in table.fields}


@cache
def word_id(word: str) -> str:
    """The number of a title in the vendor's dictionaries; "0" for none."""
    return str(crc32(word.encode()) % 90_000 + 10_000) if word else "0"


def tracker_app_id(app_id: int) -> int:
    """The id here of an app of the scenario: AppMetrica's less 4,000,000 where that is left."""
    return app_id - 4_000_000 if app_id > 4_000_000 else app_id


def sdk_key(id_app: int) -> str:
    """The SDK key of an app: 20 digits, leading zeros included."""
    return f"{id_app * 7_919 + 4_399_666:020d}"


@cache
def table_name(event: str) -> str:
    """The raw table of an event, by which the field table knows it."""
    return next(t.name for t in load_tables(SOURCE).values() if t.endpoint == event)
