-- A start or an end of a session; what a session is, its start says first.
-- The Logs API gives no ends, and starts without installation and type: the first is that of the device that day, the second taken as foreground.
-- MyTracker gives both in one row, and no id: each row is a session.
-- grain: session_start or session_end row
-- key: session_key
-- kind: view
WITH edges AS (
  SELECT
    vendor, source, 'session_start' AS table_name, 0 AS edge, started_at, ended_at, received_at,
    application_id, device_id, profile_id, session_id, installation_id,
    CASE source WHEN 'appmetrica_logs' THEN 'foreground' ELSE session_type END AS session_type,
    platform, app_version, country_code, _unit, _row
  FROM core.session_start_row
  UNION ALL
  SELECT
    'appmetrica', 'appmetrica_stream', 'session_end', 1, NULL, ended_at, received_at,
    application_id, device_id, profile_id, session_id, installation_id, session_type, platform,
    app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__session_end
),

known AS (
  SELECT e.*, coalesce(e.installation_id, d.installation_id, '') AS installation
  FROM edges AS e
  LEFT JOIN core.device_day AS d
    ON CASE e.source WHEN 'appmetrica_logs' THEN hash_key('appmetrica', e.application_id, e.device_id) END = d.device_key
    AND utc_day(e.started_at) = d.day
)

SELECT
  coalesce(
    hash_key(vendor, application_id, installation, device_id, session_id),
    hash_key(source, table_name, _unit, _row)
  ) AS session_key, -- hash of app, installation, device and session id; of the row where one is missing
  source, -- dataset the row came by
  edge, -- 0 start, 1 end
  started_at, -- device clock, UTC; NULL for an end
  ended_at, -- device clock, UTC; NULL for a start of AppMetrica
  received_at, -- receipt by the vendor, UTC
  hash_key(vendor, application_id) AS app_key, -- core.app
  hash_key(vendor, application_id, device_id) AS device_key, -- core.device
  hash_key(vendor, application_id, 'profile', profile_id) AS user_key, -- person by the user id the app set
  session_id, -- the vendor's number; unique with installation and device only; NULL from MyTracker
  session_type, -- foreground or background; foreground from the Logs API and MyTracker, which do not say
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM known
