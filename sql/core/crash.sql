-- A fatal crash.
-- grain: crash row
-- key: crash_key
-- kind: by_day
SELECT
  hash_key('appmetrica_stream', 'crash', _unit, _row) AS crash_key, -- hash of source, table, unit and row
  'appmetrica_stream' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  hash_key('appmetrica', application_id, device_id) AS device_key, -- core.device
  hash_key('appmetrica', application_id, coalesce(installation_id, ''), device_id, session_id) AS session_key, -- core.session
  crash_group_id AS group_id, -- the vendor's crash group
  crash_id, -- the vendor's crash id
  crash_name AS name, -- crash name
  TRUE AS is_fatal, -- every row of this table is fatal
  stack_trace, -- text as it came
  occurred_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, UTC
  seconds_between(occurred_at, received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(occurred_at) AS day, -- day of occurred_at, UTC
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_appmetrica_stream__crash
