-- An error the app reported; not fatal.
-- grain: error row
-- key: error_key
-- kind: by_day
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, error_id, error_name,
    error_text, CAST(NULL AS JSON) AS error_json, occurred_at, received_at, platform, app_version, country_code,
    _unit, _row
  FROM stg.stg_appmetrica_stream__error
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), error_id,
    error_name, error_text, error_json, occurred_at, received_at, platform, app_version, country_code, _unit,
    _row
  FROM stg.stg_appmetrica_logs__errors
)

SELECT
  hash_key(r.source, 'error', r._unit, r._row) AS error_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key('appmetrica', r.application_id) AS app_key, -- core.app
  hash_key('appmetrica', r.application_id, r.device_id) AS device_key, -- core.device
  hash_key('appmetrica', r.application_id, coalesce(r.installation_id, ''), r.device_id, r.session_id) AS session_key, -- core.session; NULL from the Logs API
  r.error_id, -- the vendor's error id
  r.error_name AS name, -- error name
  FALSE AS is_fatal, -- no row of this table is fatal
  r.error_text, -- text as it came
  r.error_json AS details, -- structured error, JSON; only from the Logs API
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
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'error'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
