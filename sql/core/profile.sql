-- A user profile on a device as it stood in the newest export; custom attributes stand in the raw table under their own names.
-- grain: app, profile and device
-- key: profile_key
-- kind: table
-- audits: relationship(app_key, core.app)
WITH profiles AS (
  SELECT
    p.*,
    s.taken_at,
    coalesce(
      hash_key('appmetrica', p.application_id, p.profile_id, coalesce(p.device_id, '')),
      hash_key('appmetrica', p.application_id, '', p.device_id),
      hash_key('appmetrica_logs', 'profile', p._unit, p._row)
    ) AS profile_key
  FROM stg.stg_appmetrica_logs__profiles_v2 AS p
  INNER JOIN ops.snapshot_unit AS s ON p._unit = s.unit
),

ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY profile_key ORDER BY taken_at DESC NULLS LAST, _unit DESC, _row DESC) AS age_rank
  FROM profiles
)

SELECT
  profile_key, -- hash of app, profile id and device id; of the row where both are missing
  'appmetrica_logs' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  hash_key('appmetrica', application_id, 'profile', profile_id) AS user_key, -- person by profile id; NULL without one
  hash_key('appmetrica', application_id, device_id) AS device_key, -- core.device
  profile_id, -- profile id the app set
  name, -- name the app set
  gender, -- gender the app set
  born_on, -- birth date or age, as the app set it
  is_notifiable, -- push notifications are on
  first_session_on, -- day of the first session, app time zone
  last_start_on, -- day of the last start, app time zone
  sessions, -- sessions so far
  crashes, -- crashes so far
  errors, -- errors so far
  push_sends, -- pushes sent so far
  push_opens, -- pushes opened so far
  platform, -- ios, android or windows
  device_manufacturer AS manufacturer, -- normalised maker
  device_model AS model, -- normalised model
  device_type, -- phone, tablet or unknown
  os_version, -- OS version
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  city, -- city name in English
  taken_at, -- time of the export's state, UTC
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM ranked
WHERE age_rank = 1
