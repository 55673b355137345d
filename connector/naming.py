"""Vendor names -> column names, by the rule of dlt's snake_case naming."""

import re
from functools import cache

_DLT_ALPHABET = str.maketrans("+-*@|", "x_xal")


@cache
def to_snake_case(name: str) -> str:
    """The column dlt's snake_case naming makes of a vendor name: `SDKKey` -> `sdk_key`."""
    # dlt's own rule, written out because dlt is slow to import; a test holds the two together.
    name = name.strip().translate(_DLT_ALPHABET)
    name = re.sub(r"[^A-Za-z\d_]+", "_", name)
    name = re.sub(r"([^_])([A-Z][a-z]+)", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    name = re.sub(r"^(\d)", r"_\1", name)
    stem = name.rstrip("_")
    return re.sub(r"__+", "_", stem + "x" * (len(name) - len(stem)))
