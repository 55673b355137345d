"""What is kept of one user: the file of a person export, as one JSON object or a zip.

The vendor names the contents (profile, events, linked device ids, experiment assignments) and no
shape; keys and names of files are this sandbox's.
"""

import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.building import Build, Part
from connector.sandbox.shortkit.rows import VideoRow, write_stamp

_TOPICS = ("cooking", "music", "travel", "games")
_ZIP_TIME = (2026, 1, 1, 0, 0, 0)


def build_person(user_id: str, rows: Sequence[VideoRow], settings: ShortKit) -> Build:
    """The file of one user's rows."""
    told = describe_person(user_id, rows)
    if settings.person_file == "zip":
        part = Part("data.zip", _zip(told))
    else:
        part = Part("data.json", json.dumps(told, ensure_ascii=False).encode())
    return Build((part,), len(rows), None)


def describe_person(user_id: str, rows: Sequence[VideoRow]) -> dict[str, Any]:
    """`{profile, events, linkedDeviceIds, experimentAssignments}`; events are rows of all types."""
    number = zlib.crc32(user_id.encode())
    seen = Counter(str(row.values.get("event", row.values.get("type", ""))) for row in rows)
    first = min((row.stamp for row in rows if row.stamp is not None), default=0)
    return {
        "profile": {
            "userId": user_id,
            "createdAt": write_stamp(first),
            "topicAffinities": {
                topic: round((number >> 5 * n) % 32 / 31, 2) for n, topic in enumerate(_TOPICS)
            },
            "engagementSummary": dict(sorted(seen.items())),
        },
        "events": [row.values for row in rows],
        "linkedDeviceIds": sorted(
            {str(device) for row in rows if (device := row.values.get("deviceId"))}
        ),
        "experimentAssignments": [
            {"experimentId": f"exp_{number % 5}", "variant": "ab"[number % 2]}
        ],
    }


def _zip(told: dict[str, Any]) -> bytes:
    """The same as files: events as JSON lines, the rest as JSON."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in told["events"])
    files = {
        "profile.json": json.dumps(told["profile"], ensure_ascii=False),
        "events.jsonl": "".join(lines),
        "devices.json": json.dumps(told["linkedDeviceIds"]),
        "experiments.json": json.dumps(told["experimentAssignments"]),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), text)
    return out.getvalue()
