-- A fatal crash.
-- grain: crash row
-- key: crash_key
-- kind: by_day
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, crash_group_id,
    crash_id, crash_name, stack_trace, CAST(NULL AS JSON) AS crash_json, occurred_at, received_at, platform,
    app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__crash
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), crash_group_id,
    crash_id, crash_name, stack_trace, crash_json, occurred_at, received_at, platform, app_version,
    country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__crashes
)

SELECT
  hash_key(r.source, 'crash', r._unit, r._row) AS crash_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key('appmetrica', r.application_id) AS app_key, -- core.app
  hash_key('appmetrica', r.application_id, r.device_id) AS device_key, -- core.device
  hash_key('appmetrica', r.application_id, coalesce(r.installation_id, ''), r.device_id, r.session_id) AS session_key, -- core.session; NULL from the Logs API
  r.crash_group_id AS group_id, -- the vendor's crash group
  r.crash_id, -- the vendor's crash id
  r.crash_name AS name, -- crash name
  TRUE AS is_fatal, -- every row of this table is fatal
  r.stack_trace, -- text as it came
  r.crash_json AS details, -- structured crash, JSON; only from the Logs API
  r.occurred_at, -- device clock, UTC; wrong clocks are kept
  r.received_at, -- receipt by the vendor, UTC
  seconds_between(r.occurred_at, r.received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(r.occurred_at) AS day, -- day of occurred_at, UTC
  r.platform, -- ios, android or windows
  r.app_version, -- developer's version text
  r.country_code AS country, -- ISO 3166-1 code
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_both AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'crash'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
