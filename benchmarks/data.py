"""Invented event exports of any length, written by DuckDB: JSON payloads with quotes, commas and
newlines, ids above 2^63. Data Stream gives 28 columns of them, the Logs API 33.
"""

import gzip
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


LOGS_COLUMNS = {
    "event_json": "VARCHAR",
    "event_name": "VARCHAR",
    "session_id": "VARCHAR",
    "installation_id": "VARCHAR",
    "device_ipv6": "VARCHAR",
    "device_locale": "VARCHAR",
    "device_type": "VARCHAR",
    "operator_name": "VARCHAR",
    "original_device_model": "VARCHAR",
    "os_name": "VARCHAR",
    "app_build_number": "VARCHAR",
    "application_id": "BIGINT",
    "android_id": "VARCHAR",
    "country_iso_code": "VARCHAR",
    "city": "VARCHAR",
    "device_manufacturer": "VARCHAR",
    "device_model": "VARCHAR",
    "google_aid": "VARCHAR",
    "ios_ifa": "VARCHAR",
    "ios_ifv": "VARCHAR",
    "os_version": "VARCHAR",
    "windows_aid": "VARCHAR",
    "profile_id": "VARCHAR",
    "appmetrica_device_id": "VARCHAR",
    "app_package_name": "VARCHAR",
    "app_version_name": "VARCHAR",
    "connection_type": "VARCHAR",
    "mcc": "BIGINT",
    "mnc": "BIGINT",
    "event_datetime": "VARCHAR",
    "event_receive_datetime": "VARCHAR",
    "event_receive_timestamp": "BIGINT",
    "event_timestamp": "BIGINT",
}

LOGS_ROWS = f"""
SELECT {", ".join(LOGS_COLUMNS)}
FROM (
    SELECT
        *,
        '::ffff:10.' || (mnc % 250) || '.7.' || (mnc % 90) AS device_ipv6,
        ['MTS', 'Beeline', 'T-Mobile'][1 + mnc % 3] AS operator_name,
        'SM-' || (mnc * 7) AS original_device_model,
        CASE WHEN os_name = 'android' THEN left(installation_id, 16) ELSE '' END AS android_id,
        CASE WHEN os_name = 'ios' THEN upper(installation_id) ELSE '' END AS ios_ifa,
        CASE WHEN os_name = 'ios' THEN upper(md5(installation_id)) ELSE '' END AS ios_ifv,
        '' AS windows_aid
    FROM ({ROWS})
)
"""


def write_events(path: Path, rows: int, start: int = 0, select: str = ROWS) -> Path:
    """Write `rows` invented events to a csv or csv.gz file, unless it is there already."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part-{path.name}")
        kind = "COMPRESSION gzip" if path.suffix == ".gz" else "COMPRESSION none"
        with duckdb.connect() as connection:
            query = _bound(select, start, rows)
            connection.execute(f"COPY ({query}) TO '{part}' (FORMAT csv, HEADER, {kind})")
        part.rename(path)
    return path


def write_logs_json(path: Path, rows: int, *, is_lines: bool = False) -> Path:
    """Write `rows` invented events to a json.gz file as the Logs API does, every value a text and
    one record a line, unless it is there already. `is_lines`: the same records as JSON lines.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part-{path.name}")
        texts = ", ".join(f"{name} := {name}::VARCHAR" for name in LOGS_COLUMNS)
        query = f"SELECT to_json(struct_pack({texts}))::VARCHAR FROM ({_bound(LOGS_ROWS, 0, rows)})"
        opening, between, closing = (
            ("", "\n", "\n") if is_lines else ('{\n"data" :\n[\n', ",\n", "\n]\n}\n")
        )
        with duckdb.connect() as connection, gzip.open(part, "wt", 1, encoding="utf-8") as file:
            result = connection.execute(query)
            lead = opening
            while records := result.fetchmany(10_000):
                file.write(lead + between.join(record for (record,) in records))
                lead = between
            file.write(closing)
        part.rename(path)
    return path


def _bound(select: str, start: int, rows: int) -> str:
    return select.replace("{start}", str(start)).replace("{stop}", str(start + rows))
