"""The source folders, found by name: one that has a fields.toml is a source."""

from functools import cache
from importlib import import_module
from importlib.resources import files
from types import ModuleType


@cache
def list_sources() -> tuple[str, ...]:
    """Names of the sources, in alphabetical order."""
    folder = files("connector") / "sources"
    return tuple(sorted(item.name for item in folder.iterdir() if (item / "fields.toml").is_file()))


def import_source(name: str) -> ModuleType:
    """The module of a source: its function of the same name, `make_api` and `make_options`."""
    return import_module(f"connector.sources.{name}")
