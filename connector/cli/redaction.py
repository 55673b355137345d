"""Credentials are cut out of every text that leaves the process: a net under the other rules."""

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
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
    return {value for value in found if len(value) >= SHORTEST}


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


def _read_secrets(path: Path) -> set[str]:
    try:
        return set(_texts(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return set()  # unreadable for dlt too, which says so


def _texts(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value)
