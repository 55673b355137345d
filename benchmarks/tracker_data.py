"""One invented hour of MyTracker's customEvents in four parts, written by DuckDB: lists with quotes,
commas and line breaks, ids above 2^63, and rows of the seconds before and after the hour.
"""

from pathlib import Path

from benchmarks.data import write_events

APP = 1111
LOWER_AT, UPPER_AT = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"
LOWER_S = 1_767_261_600
PARTS = 4
_SECONDS = 3602  # of availability that a client asks for, to be sure of an hour
_STRIDE = 7919
_NO_ID = "00000000-0000-0000-0000-000000000000"

COLUMNS = {
    "idApp": "BIGINT",
    "SDKKey": "VARCHAR",
    "idDevice": "VARCHAR",
    "idProfile": "VARCHAR",
    "customUserId": "VARCHAR",
    "tsEvent": "BIGINT",
    "tsInsert": "BIGINT",
    "advertisingId": "VARCHAR",
    "idfa": "VARCHAR",
    "iosVendorId": "VARCHAR",
    "oaid": "VARCHAR",
    "idAppVersionTitle": "VARCHAR",
    "idOsTitle": "VARCHAR",
    "idOsVersionTitle": "VARCHAR",
    "idCountryISOAlpha2": "VARCHAR",
    "idRegionTitle": "VARCHAR",
    "idDeviceModelTitle": "VARCHAR",
    "idManufacturerTitle": "VARCHAR",
    "idPartner": "BIGINT",
    "idPartnerTitle": "VARCHAR",
    "idCampaign": "BIGINT",
    "idCampaignTitle": "VARCHAR",
    "idAd": "BIGINT",
    "idAdTitle": "VARCHAR",
    "idAdEventType": "INTEGER",
    "tsAttr": "BIGINT",
    "eventName": "VARCHAR",
    "params.name": "VARCHAR",
    "params.value": "VARCHAR",
    "tsInstall": "BIGINT",
}

ROWS = f"""
SELECT
    {APP} AS "idApp",
    '00000000000013197675' AS "SDKKey",
    (14000000000000000000::UBIGINT + (hash(i % 50000) % 1000000000000000))::VARCHAR AS "idDevice",
    (13000000000000000000::UBIGINT + (hash(i % 50000 + 7) % 1000000000000000))::VARCHAR
        AS "idProfile",
    CASE WHEN i % 2 = 0 THEN '[user' || (i % 50000) || ',' || (i % 7) || ']' ELSE '' END
        AS "customUserId",
    {LOWER_S} - 3600 - i % 9000 AS "tsEvent",
    {LOWER_S} - 1 + (i * {_STRIDE}) % {_SECONDS} AS "tsInsert",
    CASE WHEN i % 2 = 1 THEN md5((i % 50000)::VARCHAR)::UUID::VARCHAR ELSE '{_NO_ID}' END
        AS "advertisingId",
    CASE WHEN i % 4 = 0 THEN upper(md5((i % 50000)::VARCHAR)::UUID::VARCHAR) ELSE '{_NO_ID}' END
        AS "idfa",
    CASE WHEN i % 2 = 0 THEN upper(md5((i % 50000 + 1)::VARCHAR)::UUID::VARCHAR) ELSE '{_NO_ID}' END
        AS "iosVendorId",
    '{_NO_ID}' AS "oaid",
    '2.' || (i % 9) || '.' || (i % 4) AS "idAppVersionTitle",
    ['iOS', 'Android'][1 + i % 2] AS "idOsTitle",
    ['17.1', '14', '13', '16.4.2'][1 + i % 4] AS "idOsVersionTitle",
    ['RU', 'DE', 'US', 'KZ', 'BY'][1 + i % 5] AS "idCountryISOAlpha2",
    'Region ' || (i % 80) || ', north' AS "idRegionTitle",
    'Model ' || (i % 120) AS "idDeviceModelTitle",
    ['Acme', 'Globex', 'Initech'][1 + i % 3] AS "idManufacturerTitle",
    CASE WHEN i % 3 = 0 THEN 0 ELSE 10001 + i % 12 END AS "idPartner",
    CASE WHEN i % 3 = 0 THEN '' ELSE 'Network ' || (i % 12) END AS "idPartnerTitle",
    CASE WHEN i % 3 = 0 THEN 0 ELSE 500000 + i % 90 END AS "idCampaign",
    CASE WHEN i % 3 = 0 THEN '' ELSE 'Spring "sale" ' || (i % 90) END AS "idCampaignTitle",
    CASE WHEN i % 3 = 0 THEN 0 ELSE 7000000 + i % 400 END AS "idAd",
    CASE WHEN i % 3 = 0 THEN '' ELSE 'Link ' || (i % 400) END AS "idAdTitle",
    CASE WHEN i % 3 = 0 THEN 0 ELSE 1 + i % 2 END AS "idAdEventType",
    CASE WHEN i % 3 = 0 THEN 0 ELSE {LOWER_S} - 86400 * (1 + i % 30) END AS "tsAttr",
    'event_' || (i % 40) AS "eventName",
    CASE WHEN i % 3 = 0 THEN '[]' ELSE '[''level'',''item'',''price'',''id'']' END AS "params.name",
    CASE
        WHEN i % 3 = 0 THEN '[]'
        WHEN i % 50 = 0
            THEN '[''' || (i % 90) || ''',''line\\none, of \\''x\\'' ' || i || ''',''0'',''"' || i || '"'']'
        ELSE '[''' || (i % 90) || ''',''sword of x'',''' || (i % 1000) / 100.0 || ''','''
            || md5(i::VARCHAR) || ''']'
    END AS "params.value",
    {LOWER_S} - 86400 * (i % 200) AS "tsInstall"
FROM range({{start}}, {{stop}}) AS r(i)
"""


def write_parts(folder: Path, rows: int) -> list[Path]:
    """Write so many rows to csv.gz files, unless they are there already."""
    each = rows // PARTS
    return [
        write_events(folder / f"tracker_{rows}.{part}.csv.gz", each, part * each, ROWS)
        for part in range(PARTS)
    ]


def count_own(rows: int) -> int:
    """How many of these rows are of the hour itself."""
    return sum(1 <= number * _STRIDE % _SECONDS <= 3600 for number in range(rows))
