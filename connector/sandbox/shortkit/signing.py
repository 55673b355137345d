"""The four ways the vendor's pages sign a webhook, and how they write its time.

A   HMAC-SHA256 of timestamp + "." + body, `sha256=` + hex; unix seconds
B   of the body, `sha256=` + hex; unix seconds
C   of the body, bare hex; ISO 8601
D   nothing is signed; the secret is the last segment of the URL
"""

import hashlib
import hmac
from typing import Literal, get_args

from connector.errors import ConfigError
from connector.sandbox.shortkit.rows import write_stamp

Recipe = Literal["A", "B", "C", "D"]
SIGNATURE = "X-Shortform-Signature"


def sign_webhook(recipe: str, secret: str, body: bytes, at: float) -> dict[str, str]:
    """The headers of signature and time, `at` in unix seconds; none with recipe D."""
    if recipe not in get_args(Recipe):
        raise ConfigError(f"webhook: recipe {recipe!r} is none of {', '.join(get_args(Recipe))}")
    if recipe == "D":
        return {}
    stamp = write_stamp(at) if recipe == "C" else str(int(at))
    signed = stamp.encode() + b"." + body if recipe == "A" else body
    digits = hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
    prefix = "" if recipe == "C" else "sha256="
    return {SIGNATURE: prefix + digits, "X-Shortform-Timestamp": stamp}


def spoil_signature(headers: dict[str, str]) -> dict[str, str]:
    """The same headers with another last digit of the signature."""
    sound = headers.get(SIGNATURE, "")
    return headers | ({SIGNATURE: sound[:-1] + ("0" if sound[-1] != "0" else "1")} if sound else {})
