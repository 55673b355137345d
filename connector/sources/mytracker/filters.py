"""The filters of create.json, checked before anything is sent.

Source page: tracker.my.com/docs/api/export-api/raw/create (parameters).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ConfigError
from connector.naming import to_snake_case
from connector.settings import Section
from connector.sources.mytracker.calls import SOURCE

MOST_VALUES = 999  # the page says up to 1000, and the refusal "below 1000"
_PAYMENTS = ("payments", "userPayments", "testPayments", "trialPayments", "userTrialPayments")
_CUSTOM = ("customEvents", "userCustomEvents")
LISTS: Mapping[str, tuple[str, ...]] = {
    "idApp": (),
    "SDKKey": (),
    "idAccount": (),
    "idAd": (),
    "idCampaign": (),
    "idCountry": (),
    "idProject": (),
    "idPartner": (),
    "eventName": _CUSTOM,
}
"""Filters that take many values, and the events they go with; none: every event."""

SINGLES: Mapping[str, tuple[str, ...]] = {
    "isVerified": _PAYMENTS,
    "idPurchaseType": _PAYMENTS,
    "eventNameInvert": _CUSTOM,
    "rooted": (),
    "idAdMediator": ("adMonetization", "userAdMonetization"),
    "idSegment": ("hits", "installs"),
}
"""Filters that take one value, and the events they go with."""

_CHOICES = {"isVerified": ("0", "1"), "eventNameInvert": ("0", "1"), "rooted": ("0", "1", "2")}
_NUMERIC = frozenset(LISTS) - {"eventName"} | set(SINGLES)
_GIVEN_ELSEWHERE = {"idApp": "id_apps", "SDKKey": "sdk_keys"}
Filters = Mapping[str, tuple[str, ...]]  # values by the vendor's name of the filter


def read_filters(section: Section, events: Sequence[str]) -> dict[str, Filters]:
    """The filters of each event, in the vendor's order.

    `filters` holds values by filter, for the events that take it, and under the name of an event
    those of this event only. Raises ConfigError where one would not be accepted.
    """
    given = section.mapping("filters")
    known = {**LISTS, **SINGLES}
    spelled = {to_snake_case(event): event for event in events}
    of_events = {
        spelled.get(to_snake_case(name), name): value
        for name, value in given.items()
        if isinstance(value, Mapping)
    }
    shared = {name: value for name, value in given.items() if not isinstance(value, Mapping)}
    for name in (*shared, *(key for own in of_events.values() for key in own)):
        _check_name(name, known)
    for name in shared:
        if not any(_goes_with(name, event) for event in events):
            _refuse(name, f"goes with {', '.join(known[name])} only, and none of these is loaded")
    if unused := sorted(set(of_events) - set(events)):
        _refuse(unused[0], f"is no event that is loaded: {', '.join(events)}")
    apps = {
        name: tuple(dict.fromkeys(section.names(key))) for name, key in _GIVEN_ELSEWHERE.items()
    }
    return {event: _collect(event, apps, shared, of_events.get(event, {})) for event in events}


def _check_name(name: str, known: Mapping[str, Any]) -> None:
    if name in _GIVEN_ELSEWHERE:
        _refuse(name, f"is given by sources.{SOURCE}.{_GIVEN_ELSEWHERE[name]}")
    if name not in known:
        _refuse(name, f"is no filter of the export. There are: {', '.join(known)}")


def _goes_with(name: str, event: str) -> bool:
    events = {**LISTS, **SINGLES}[name]
    return not events or event in events


def _collect(
    event: str, apps: Filters, shared: Mapping[str, Any], own: Mapping[str, Any]
) -> Filters:
    wanted = {name: value for name, value in shared.items() if _goes_with(name, event)} | dict(own)
    for name in own:
        if not _goes_with(name, event):
            _refuse(name, f"does not go with {event}, only with {', '.join(_events_of(name))}")
    filters = {name: values for name, values in apps.items() if values}
    filters |= {name: _read_values(name, value) for name, value in sorted(wanted.items())}
    for name, values in filters.items():
        _check_values(name, values)
    _check_size(filters)
    return filters


def _events_of(name: str) -> tuple[str, ...]:
    return {**LISTS, **SINGLES}[name]


def _read_values(name: str, value: Any) -> tuple[str, ...]:
    """Each value once; names of events may hold commas, so text is one of them."""
    if isinstance(value, bool):
        value = int(value)
    if name == "eventName" and isinstance(value, str):
        return (value,) if value.strip() else ()
    return tuple(dict.fromkeys(Section(SOURCE, {name: value}).names(name)))


def _check_values(name: str, values: Sequence[str]) -> None:
    if not values:
        _refuse(name, "has no value")
    if wrong := [value for value in values if name in _NUMERIC and not _is_number(value)]:
        _refuse(name, f"has {wrong[0]!r}, which is no number")
    if name in SINGLES and len(values) > 1:
        _refuse(name, f"takes one value, and has {len(values)}")
    if wrong := [value for value in values if value not in _CHOICES.get(name, (value,))]:
        _refuse(name, f"is {wrong[0]}; it must be one of {', '.join(_CHOICES[name])}")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _check_size(filters: Filters) -> None:
    """A list that is too long for one export goes into several; not where their union would be
    something else.
    """
    long = [name for name, values in filters.items() if len(values) > MOST_VALUES]
    if "eventName" in long and filters.get("eventNameInvert") == ("1",):
        _refuse(
            "eventName",
            f"leaves out {len(filters['eventName'])} events: one export takes {MOST_VALUES}, and"
            " several would each give what the others leave out",
        )
    if both := {"idApp", "SDKKey"} & set(long) if {"idApp", "SDKKey"} <= set(filters) else set():
        _refuse(
            min(both),
            f"has more than {MOST_VALUES} values beside the other way to name apps: the vendor gives"
            " rows of either, so several exports would overlap. Use id_apps or sdk_keys, not both",
        )


def _refuse(name: str, problem: str) -> None:
    key = _GIVEN_ELSEWHERE.get(name, "filters")
    raise ConfigError(
        f"sources.{SOURCE}.{key}: {name} {problem}. Set it in .dlt/config.toml under"
        f" [sources.{SOURCE}], or as SOURCES__{SOURCE.upper()}__{key.upper()} in the environment."
    )


def read_zone(section: Section) -> str:
    """The zone that `dtEvent` is in: one of the vendor's dictionary, which is not published."""
    name = section.text("timezone")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"sources.{SOURCE}.timezone is {name!r}, which is no zone. Take one of the vendor's"
            " dictionary, such as UTC or Europe/Moscow, and set it in .dlt/config.toml."
        ) from None
