-- A push token a device got; from the Logs API those of its newest snapshot.
-- grain: push_token row
-- key: push_token_key
-- kind: by_day
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, token, occurred_at,
    received_at, platform, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__push_token
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), token,
    occurred_at, received_at, platform, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__push_tokens
  WHERE _unit IN (SELECT unit FROM ops.snapshot_unit)
)

SELECT
  hash_key(r.source, 'push_token', r._unit, r._row) AS push_token_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key('appmetrica', r.application_id) AS app_key, -- core.app
  hash_key('appmetrica', r.application_id, r.device_id) AS device_key, -- core.device
  hash_key('appmetrica', r.application_id, coalesce(r.installation_id, ''), r.device_id, r.session_id) AS session_key, -- core.session; NULL from the Logs API
  r.token, -- push token
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
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'push_token'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
