"""What a user should know of the settings: names that nobody publishes, and what they mean."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.sources.mytracker.calls import SOURCE
from connector.sources.mytracker.tracker_settings import TrackerSettings

DICTIONARY = "the dictionary of selectors in the vendor's documentation, behind your login"


def find_advice(settings: TrackerSettings) -> list[str]:
    """Sentences about selectors that no table knows, rows that bear no app, and amounts that the
    models cannot find.
    """
    return [
        *name_unknown(settings),
        *_miss_app(settings),
        *_miss_roles(settings),
    ]


def name_unknown(settings: TrackerSettings) -> Iterator[str]:
    """What selectors are loaded as whose type nobody said."""
    loaded = {table.endpoint: table for table in settings.tables.values()}
    for event, selector in settings.unknown_selectors:
        table = loaded.get(event)  # selectors may be set of events that are not loaded
        if table and selector not in [role.selector for role in table.roles]:
            yield (
                f"{event}: the selector {selector} is in no table of the connector: it is asked for all"
                f" the same, and loaded as {table.by_name[selector].type}; another type can be set in"
                f" sources.{SOURCE}.selector_types"
            )


def _miss_app(settings: TrackerSettings) -> Iterator[str]:
    for name, table in settings.tables.items():
        if "idApp" not in table.by_name and not settings.name_app(name):
            yield (
                f"{table.endpoint}: its rows do not say which app they are of: add idApp to"
                f" sources.{SOURCE}.selectors.{table.endpoint}, or set one app in id_apps"
            )


def _miss_roles(settings: TrackerSettings) -> Iterator[str]:
    for table in settings.tables.values():
        if unbound := [role.name for role in table.roles if not role.selector]:
            yield (
                f"{table.endpoint}: the models do not know its {', '.join(unbound)}: copy the names of"
                f" these selectors from {DICTIONARY}, into selectors.{table.endpoint}, and say what they"
                f' mean in roles.{table.endpoint}, e.g. {{ {unbound[0]} = "<selector>" }}'
            )


def show_quotas(data: Mapping[str, Any]) -> str:
    """The quotas of an answer in a line, whatever else it holds."""
    quotas = data.get("quotas")
    listed = (
        [quota for quota in quotas if isinstance(quota, dict)] if isinstance(quotas, list) else []
    )
    shown = [f"{item.get('name')} {item.get('count')}/{item.get('limit')}" for item in listed]
    return ", ".join(shown) or "none listed"
