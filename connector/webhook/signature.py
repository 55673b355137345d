"""Is a delivery the vendor's, and a fresh one? One recipe by the settings; the others are not tried.

    A   HMAC-SHA256 of timestamp + "." + raw body; header value sha256=<hex>
    B   of the raw body; sha256=<hex>
    C   of the raw body; bare hex
    D   nothing is signed: the secret is the last segment of the URL

Source pages: the vendor's webhook guides, portal settings and API page disagree; ours is
docs/webhook.md. Only A signs the timestamp; with B and C it is checked where it is sent.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from connector.webhook.reception import Reception
from connector.webhook.refusal import Refusal

SIGNATURE = "X-Shortform-Signature"
TIMESTAMP = "X-Shortform-Timestamp"
DELIVERY_ID = "X-Shortform-Delivery-ID"
_PREFIX = {"A": "sha256=", "B": "sha256=", "C": ""}
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_UNIX = re.compile(r"[0-9]{1,11}")


def check_signature(
    reception: Reception, headers: Mapping[str, str], raw: bytes, segment: str, now: datetime
) -> None:
    """Raise Refusal (401) unless the delivery is signed with one of the secrets, and not stale.

    `headers` are those that came once, by name; `segment` is the last one of the URL, for recipe D;
    `now` is aware UTC.
    """
    if reception.recipe == "D":
        _check_segment(reception, segment)
        return
    stamp = headers.get(TIMESTAMP, "")
    signed = stamp.encode("utf-8", "surrogateescape") + b"." + raw
    if reception.recipe != "A":
        signed = raw
    _check_digest(reception, headers.get(SIGNATURE, ""), signed)
    if stamp or reception.recipe == "A":
        _check_age(reception, stamp, now)


def _check_segment(reception: Reception, segment: str) -> None:
    sent = segment.encode("utf-8", "surrogateescape")
    fits = [hmac.compare_digest(secret, sent) for secret in reception.secrets]
    if not any(fits):
        raise Refusal(401, "the last segment of the URL is not the secret")


def _check_digest(reception: Reception, sent: str, signed: bytes) -> None:
    prefix = _PREFIX[reception.recipe]
    digits = sent.removeprefix(prefix)
    if not sent.startswith(prefix) or not _HEX.fullmatch(digits):
        raise Refusal(401, f"no {SIGNATURE} of the form {prefix}<64 hex digits> came, once")
    digest = bytes.fromhex(digits)
    fits = [
        hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).digest(), digest)
        for secret in reception.secrets  # all of them, so that the time does not tell which
    ]
    if not any(fits):
        raise Refusal(401, "the signature does not fit the body and the secret")


def _check_age(reception: Reception, stamp: str, now: datetime) -> None:
    sent_at = read_stamp(stamp)
    if sent_at is None:
        raise Refusal(401, f"no {TIMESTAMP} in unix seconds or ISO 8601 came, once")
    off_s = abs((now - sent_at).total_seconds())
    if off_s > reception.tolerance_s:
        raise Refusal(
            401,
            f"{TIMESTAMP} is {off_s:.0f} s off; at most {reception.tolerance_s:g} s are allowed",
        )


def read_stamp(text: str) -> datetime | None:
    """Unix seconds or ISO 8601 as aware UTC (without a zone it is UTC); None for anything else."""
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) < len("2024-02-04T12:00"):
        return None  # a date alone is no moment
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # year 1 or 9999, in another zone
        return None
