"""The setting `units` -> the tables with the units that the vendor's numbers come in.

Some numbers had one name and another unit in another version of the vendor's pages, and nothing in
the file tells which: whoever reads the files says so, value by value. The column in staging has the
same unit whatever is said here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.errors import ConfigError
from connector.fields import CONVERSIONS, Payload, Table, load_tables
from connector.settings import Section

SOURCE = "shortkit"
_PLACE = f"Set it in .dlt/config.toml under [sources.{SOURCE}]."


def read_units(values: Mapping[str, Any]) -> Mapping[str, Table]:
    """All tables by raw name, their payloads in the units of the settings. Raises ConfigError."""
    units = _check_units(Section(SOURCE, values))
    return {name: _apply(table, units) for name, table in load_tables(SOURCE).items()}


def _check_units(section: Section) -> dict[str, str]:
    """Key within `data` -> the unit it is sent in."""
    allowed = allowed_units()
    units = {name: str(unit) for name, unit in section.mapping("units").items()}
    for name, unit in units.items():
        if name not in allowed:
            raise ConfigError(
                f"sources.{SOURCE}.units names {name}, which has no unit that can be chosen. Names:"
                f" {', '.join(sorted(allowed))}. {_PLACE}"
            )
        if unit not in allowed[name]:
            raise ConfigError(
                f"sources.{SOURCE}.units says {unit!r} of {name}. Units:"
                f" {', '.join(allowed[name])}. {_PLACE}"
            )
    return units


def allowed_units() -> dict[str, tuple[str, ...]]:
    """Key within `data` -> the units it may be sent in, the documented one first.

    A key that has a unit by its event, as `duration`, is not among them.
    """
    units: dict[str, set[str]] = {}
    for table in load_tables(SOURCE).values():
        for item in table.payloads:
            units.setdefault(item.name, set()).add(item.unit)
    plain = {name: next(iter(found)) for name, found in units.items() if len(found) == 1}
    return {
        name: (unit, *(sent for sent, wanted in CONVERSIONS if wanted == unit))
        for name, unit in plain.items()
        if unit
    }


def _apply(table: Table, units: Mapping[str, str]) -> Table:
    return replace(
        table, payloads=tuple(_convert(item, units.get(item.name, "")) for item in table.payloads)
    )


def _convert(item: Payload, sent_unit: str) -> Payload:
    return replace(item, sent_unit="" if sent_unit == item.unit else sent_unit)
