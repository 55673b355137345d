"""Invented event exports of any length, written by DuckDB: 28 columns, JSON payloads with quotes,
commas and newlines, ids above 2^63.
"""

from pathlib import Path

import duckdb

COLUMNS = {
    "application_id": "BIGINT",
    "appmetrica_device_id": "VARCHAR",
    "installation_id": "VARCHAR",
    "event_name": "VARCHAR",
    "event_json": "VARCHAR",
    "event_timestamp": "BIGINT",
    "event_receive_timestamp": "BIGINT",
    "event_datetime": "VARCHAR",
    "event_receive_datetime": "VARCHAR",
    "session_id": "VARCHAR",
    "session_type": "VARCHAR",
    "profile_id": "VARCHAR",
    "os_name": "VARCHAR",
    "os_version": "VARCHAR",
    "app_package_name": "VARCHAR",
    "app_version_name": "VARCHAR",
    "app_build_number": "VARCHAR",
    "appmetrica_sdk_version": "BIGINT",
    "connection_type": "VARCHAR",
    "country_iso_code": "VARCHAR",
    "city": "VARCHAR",
    "device_manufacturer": "VARCHAR",
    "device_model": "VARCHAR",
    "device_type": "VARCHAR",
    "device_locale": "VARCHAR",
    "mcc": "BIGINT",
    "mnc": "BIGINT",
    "google_aid": "VARCHAR",
}

ROWS = """
SELECT
    1111 AS application_id,
    (14000000000000000000::UBIGINT + (hash(i % 50000) % 1000000000000000))::VARCHAR
        AS appmetrica_device_id,
    md5((i % 50000)::VARCHAR) AS installation_id,
    'event_' || (i % 40) AS event_name,
    CASE
        WHEN i % 3 = 0 THEN ''
        WHEN i % 50 = 0 THEN '{"text":"line one' || chr(10) || 'line \\"two\\", ' || i || '"}'
        ELSE '{"level":' || (i % 90) || ',"item":"sword, ''of'' x","price":"'
            || (i % 1000) / 100.0 || '","id":"' || md5(i::VARCHAR) || '"}'
    END AS event_json,
    1767225600 + i // 12 AS event_timestamp,
    1767225600 + i // 12 + i % 600 AS event_receive_timestamp,
    strftime(to_timestamp(1767225600 + i // 12), '%Y-%m-%d %H:%M:%S') AS event_datetime,
    strftime(to_timestamp(1767225600 + i // 12 + i % 600), '%Y-%m-%d %H:%M:%S')
        AS event_receive_datetime,
    (9300000000000000000::UBIGINT + (hash(i // 20) % 100000000000))::VARCHAR AS session_id,
    'foreground' AS session_type,
    CASE WHEN i % 2 = 0 THEN 'user' || (i % 50000) ELSE '' END AS profile_id,
    ['ios', 'android'][1 + i % 2] AS os_name,
    ['17.1', '14', '13', '16.4.2'][1 + i % 4] AS os_version,
    'com.example.app' AS app_package_name,
    '2.' || (i % 9) || '.' || (i % 4) AS app_version_name,
    (i % 400)::VARCHAR AS app_build_number,
    5003000 AS appmetrica_sdk_version,
    'wifi' AS connection_type,
    ['RU', 'DE', 'US', 'KZ', 'BY'][1 + i % 5] AS country_iso_code,
    'City ' || (i % 300) AS city,
    ['Acme', 'Globex', 'Initech'][1 + i % 3] AS device_manufacturer,
    'Model ' || (i % 120) AS device_model,
    'phone' AS device_type,
    'ru_RU' AS device_locale,
    250 AS mcc,
    i % 99 AS mnc,
    CASE WHEN i % 2 = 1 THEN md5((i * 7)::VARCHAR) ELSE '' END AS google_aid
FROM range({start}, {stop}) AS r(i)
"""


def write_events(path: Path, rows: int, start: int = 0) -> Path:
    """Write `rows` invented events to a csv or csv.gz file, unless it is there already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        query = ROWS.replace("{start}", str(start)).replace("{stop}", str(start + rows))
        part = path.with_name(f"part-{path.name}")
        kind = "COMPRESSION gzip" if path.suffix == ".gz" else "COMPRESSION none"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{part}' (FORMAT csv, HEADER, {kind})")
        part.rename(path)
    return path
