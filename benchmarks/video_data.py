"""Invented exports of a video feed, one object a line, written by DuckDB: what viewers did and how it
played over thirty days, with the object `data` of each event and texts of other alphabets.
"""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

DAYS = 30

COLUMNS = {
    "event": "VARCHAR",
    "contentId": "VARCHAR",
    "userId": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "sessionId": "VARCHAR",
    "deviceType": "VARCHAR",
    "deviceId": "VARCHAR",
    "country": "VARCHAR",
    "currentTime": "DOUBLE",
    "data": "JSON",
}

LINES = """
SELECT '{"event":"' || event || '","contentId":"cnt_' || printf('%06x', i % 5003)
    || '","userId":"user_' || (i // 40) % 90001
    || '","timestamp":"' || strftime(to_timestamp(FIRST + i * 2592000 // ROWS)
        AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')
    || '","sessionId":"ses_' || substr(md5((i // 40)::VARCHAR), 1, 12)
    || '","deviceType":"' || ['ios', 'android', 'web'][1 + i % 3]
    || '","deviceId":"dev_' || substr(md5(((i // 40) % 90001)::VARCHAR), 1, 16)
    || '","country":"' || ['US', 'DE', 'JP', 'BR'][1 + i % 4] || '",'
    || CASE WHEN event = 'rebuffer' THEN '"currentTime":' || (i % 600) / 10.0 || ',' ELSE '' END
    || '"data":' || CASE event
        WHEN 'watchProgress' THEN '{"currentTime":' || (i % 600) / 10.0 || ',"duration":60,'
            || '"percentComplete":' || (i % 1000) / 10.0 || ',"rendition":"720p",'
            || '"currentBitrate":2500000}'
        WHEN 'impression' THEN '{"position":' || i % 90 || ',"entryPoint":"поток \\"1\\""}'
        WHEN 'playStart' THEN '{"startupTime":' || i % 2000 || ',"rendition":"720p"}'
        WHEN 'completion' THEN '{"watchTime":' || (i % 600) / 10.0 || ',"looped":false}'
        ELSE '{"duration":' || i % 3000 || ',"networkType":"wifi"}' END || '}'
FROM (
    SELECT i, CASE WHEN i % 20 < 12 THEN 'watchProgress' WHEN i % 20 < 16 THEN 'impression'
        WHEN i % 20 < 18 THEN 'playStart' WHEN i % 20 < 19 THEN 'completion'
        ELSE 'rebuffer' END AS event
    FROM range(ROWS) AS t(i)
)
"""


def first_day() -> datetime:
    """The first of the last thirty days that are over."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS)


def write_videos(folder: Path, rows: int) -> Path:
    """The gzip file of so many rows, written once a day; unpacked it has about 270 bytes a row."""
    path = folder / f"videos_{rows}_{first_day():%Y%m%d}.jsonl.gz"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with duckdb.connect() as connection, gzip.open(part, "wb", compresslevel=1) as file:
        first = str(int(first_day().timestamp()))
        found = connection.execute(LINES.replace("ROWS", str(rows)).replace("FIRST", first))
        while lines := found.fetchmany(20_000):
            file.write("".join(f"{line}\n" for (line,) in lines).encode())
    part.replace(path)
    return path


def read_query(path: Path) -> str:
    """What DuckDB reads the file with, on its own."""
    columns = ", ".join(f"\"{name}\": '{kind}'" for name, kind in COLUMNS.items())
    return f"read_json('{path}', format='newline_delimited', columns={{{columns}}})"
