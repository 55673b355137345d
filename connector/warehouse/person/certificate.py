"""The certificate of an erasure: what was deleted where, told without any id."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from connector import __version__
from connector.errors import ConfigError
from connector.warehouse.person.ownership import Person
from connector.warehouse.person.requests import Erasure
from connector.warehouse.person.searching import Finding
from connector.warehouse.settings import Settings

FORMAT = "app-analytics-connector certificate of erasure"
VERSION = 1
_VENDOR = ("vendor_answer", "linked_devices", "not_reached")
_WAREHOUSE = ("rows", "models", "published", "files", "working_folders", "journal_rows")
_FILE = ("bytes_before", "bytes_after")


@dataclass(frozen=True, slots=True)
class Certificate:
    """One finished erasure. `ids` are (kind, digest); `facts` what was done; `left` what a search
    afterwards found, and `limits` what it could not see. Moments aware UTC.
    """

    request_id: str
    digest: str
    salt_digest: str
    ids: tuple[tuple[str, str], ...]
    requested_at: datetime
    confirmed_at: datetime
    finished_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    left: tuple[Finding, ...] = ()
    limits: tuple[str, ...] = ()
    path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """What stands in the file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "connector": __version__,
            "request_id": self.request_id,
            "person": {
                "digest": self.digest,
                "salt_digest": self.salt_digest,
                "ids": [{"kind": kind, "digest": digest} for kind, digest in self.ids],
            },
            "requested_at": self.requested_at.isoformat(),
            "confirmed_at": self.confirmed_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "vendor": {key: self.facts.get(key) for key in _VENDOR},
            "deleted": {key: self.facts.get(key) for key in _WAREHOUSE},
            "file": {key: self.facts.get(key) for key in _FILE},
            "left": [finding.to_json() for finding in self.left],
            "limits": list(self.limits),
        }

    def with_check(self, left: Sequence[Finding], limits: Sequence[str]) -> "Certificate":
        """The certificate with what a search afterwards gave."""
        return replace(self, left=tuple(left), limits=tuple(limits))


def digest_salt(salt: str) -> str:
    """What tells one warehouse's salt from another's."""
    return sha256(salt.encode()).hexdigest()


def make_certificate(erasure: Erasure, salt: str, now: datetime) -> Certificate:
    """The certificate of an erasure that is done."""
    return Certificate(
        erasure.request_id,
        erasure.digest,
        digest_salt(salt),
        tuple((str(kind), str(digest)) for kind, digest in erasure.facts.get("digests", ())),
        erasure.requested_at,
        erasure.moment,
        now.astimezone(UTC),
        erasure.facts,
    )


def write_certificate(settings: Settings, certificate: Certificate) -> Path:
    """Write it into home, for its owner only; where."""
    folder = settings.home / "certificates"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"erasure-{certificate.request_id}.json"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(json.dumps(certificate.to_json(), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return path


@dataclass(frozen=True, slots=True)
class Certified:
    """Whom a certificate is about: ids as digests, and until when rows are theirs (aware UTC)."""

    person: Person
    until: datetime


def read_certificate(path: Path, salt: str) -> Certified:
    """Whom the certificate in a file is about, in the warehouse with this salt. Raises ConfigError
    where the file is none, or one of another warehouse.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("version") != VERSION:
        raise ConfigError(f"{path} is no certificate that `connector person erase` has written")
    if not salt or told["person"]["salt_digest"] != digest_salt(salt):
        raise ConfigError(
            f"{path} was written for another warehouse: its digests cannot be compared with the ids of"
            " this one. Name the warehouse it belongs to with --warehouse."
        )
    return parse_certified(told, salt)


def parse_certified(told: Mapping[str, Any], salt: str) -> Certified:
    """Whom a certificate is about."""
    ids: dict[str, set[str]] = {}
    for item in told["person"]["ids"]:
        ids.setdefault(str(item["kind"]), set()).add(str(item["digest"]))
    person = Person({kind: frozenset(digests) for kind, digests in ids.items()}, salt)
    return Certified(person, datetime.fromisoformat(told["confirmed_at"]))
