-- A row that makes a device active, by its vendor's own definition of an active user; the two are never added together.
-- AppMetrica: a foreground session. MyTracker: a registration, an authorisation, a session, an in-app ad impression, a payment, or its own list of active devices.
-- grain: row of core.session, payment, ad_revenue or mytracker_visit_row
-- kind: view
WITH activities AS (
  SELECT
    CASE source WHEN 'mytracker' THEN 'any_activity' ELSE 'foreground_session' END AS activity,
    app_key, device_key, day, platform, app_version, country, received_at
  FROM core.session
  WHERE is_foreground
  UNION ALL
  SELECT
    'any_activity', hash_key('mytracker', application_id), hash_key('mytracker', application_id, device_id),
    utc_day(occurred_at), platform, app_version, country_code, received_at
  FROM core.mytracker_visit_row
  WHERE kind IN ('registration', 'authorisation', 'activity')
  UNION ALL
  SELECT 'any_activity', app_key, device_key, day, platform, app_version, country, received_at
  FROM core.payment
  WHERE source = 'mytracker' AND counts_as_revenue(kind, source)
  UNION ALL
  SELECT 'any_activity', app_key, device_key, day, platform, app_version, country, received_at
  FROM core.ad_revenue
  WHERE source = 'mytracker'
)

SELECT
  activity, -- foreground_session (AppMetrica) or any_activity (MyTracker)
  app_key, -- core.app
  device_key, -- core.device; NULL where the row names no device
  day, -- UTC; NULL for rows without a time
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country, -- ISO 3166-1 code
  received_at -- receipt by the vendor, UTC
FROM activities
