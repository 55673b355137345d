"""Credentials are cut out of every text that leaves the process: a net under the other rules."""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

SECRET_WORDS = ("token", "secret", "password", "credential", "private_key", "access_key")
SHORTEST = 6  # shorter values would cut holes into ordinary words
MASK = "***"


def hide_secrets(text: str) -> str:
    """The text without the value of any credential that is set in the environment or for dlt."""
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def _known_secrets() -> set[str]:
    found = {value for key, value in os.environ.items() if "__" in key and _is_secret(key)}
    for path in _secret_files():
        found.update(_read_secrets(path))
    several = {part.strip(' "[]') for value in found for part in value.split(",")}
    return {value for value in found | several if len(value) >= SHORTEST}


def _is_secret(key: str) -> bool:
    last = key.lower().rsplit("__", 1)[-1]
    return any(word in last for word in SECRET_WORDS)


def _secret_files() -> Iterator[Path]:
    """Where dlt reads credentials from; none before dlt was imported, as none was read then."""
    if "dlt" not in sys.modules:
        return
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    context = Container()[PluggableRunContext].context
    for folder in (context.settings_dir, context.global_dir):
        if (path := Path(folder) / "secrets.toml").is_file():
            yield path


def _read_secrets(path: Path) -> frozenset[str]:
    try:
        return _parse_secrets(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return frozenset()  # unreadable for dlt too, which says so


@lru_cache(maxsize=4)  # every line that is logged asks for them
def _parse_secrets(path: Path, _mtime_ns: int) -> frozenset[str]:
    return frozenset(_texts(tomllib.loads(path.read_text(encoding="utf-8"))))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of TOML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
