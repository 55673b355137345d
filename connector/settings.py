"""Values of a source's settings, checked: a wrong one is a ConfigError that says where to set it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import pendulum

from connector.errors import ConfigError

THROTTLE_CODES = ("420", "429")  # answers that mean: wait and ask again
SECRETS = ("token", "api_user_id", "secret_key", "webhook_secret")  # keys that secrets.toml holds


@dataclass(frozen=True, slots=True)
class Section:
    """The settings of one source as they were resolved."""

    source: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = str(self.values.get(key) or "").strip()
        if not value:
            self._refuse(key, "is not set")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list: a TOML list, a JSON list, or text with commas; empty when not set."""
        value = self.values.get(key)
        if isinstance(value, str):
            value = self._split(key, value)
        if value is None:
            return ()
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        if not isinstance(value, Iterable):
            self._refuse(key, f"is {value!r}, which is no list")
        return tuple(str(item).strip() for item in value if str(item).strip())

    def _split(self, key: str, value: str) -> list[Any]:
        if not value.strip().startswith("["):
            return value.split(",")
        try:
            return list(json.loads(value))
        except ValueError:
            self._refuse(key, f"is no JSON list: {value!r}")

    def numeric_ids(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of numbers, at least one, each once; `default` where none is set."""
        ids = tuple(dict.fromkeys(self.names(key))) or default
        if not ids:
            self._refuse(key, "is not set")
        if wrong := [item for item in ids if not item.isascii() or not item.isdigit()]:
            self._refuse(key, f"has {wrong}, which are no numeric ids (not the SDK's keys)")
        return ids

    def number(self, key: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        value = self.values.get(key)
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            self._refuse(key, f"is {value!r}, which is no number")
        if not low <= number <= high:
            self._refuse(key, f"is {value!r}; it must lie between {low:g} and {high:g}")
        return number

    def mapping(self, key: str) -> dict[str, Any]:
        """A TOML table, or one JSON object; empty when not set."""
        value = self.values.get(key)
        if isinstance(value, str) and value.strip():
            try:
                value = json.loads(value)
            except ValueError:
                self._refuse(key, f"is no JSON object: {value!r}")
        if not value:
            return {}
        if not isinstance(value, Mapping):
            self._refuse(key, f"is {value!r}, which is no table of values by name")
        return {str(name): item for name, item in value.items()}

    def moment(self, key: str) -> datetime | None:
        """An ISO 8601 date or moment as aware UTC (without a zone it is UTC); None when not set."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        try:
            parsed = pendulum.parse(str(value), exact=True)
        except ValueError:
            parsed = None
        if isinstance(parsed, pendulum.Date) and not isinstance(parsed, pendulum.DateTime):
            parsed = pendulum.datetime(parsed.year, parsed.month, parsed.day)
        if not isinstance(parsed, pendulum.DateTime):
            self._refuse(key, f"is {value!r}, which is no ISO 8601 date or moment")
        return datetime.fromisoformat(parsed.isoformat()).astimezone(UTC)

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self.values.get(key)
        flags = {"true": True, "1": True, "false": False, "0": False}
        flag = flags.get(str(value).strip().lower())
        if flag is None:
            self._refuse(key, f"is {value!r}; it must be true or false")
        return flag

    def choice(self, key: str, *allowed: str) -> str:
        """One of `allowed`."""
        value = str(self.values.get(key))
        if value not in allowed:
            self._refuse(key, f"is {value!r}; it must be one of {', '.join(allowed)}")
        return value

    def _refuse(self, key: str, problem: str) -> NoReturn:
        variable = f"SOURCES__{self.source.upper()}__{key.upper()}"
        place = "secrets.toml" if key in SECRETS else "config.toml"
        raise ConfigError(
            f"sources.{self.source}.{key} {problem}. Set it in .dlt/{place} under"
            f" [sources.{self.source}], or as {variable} in the environment."
        )
