-- A device of AppMetrica on one day: that it was seen, and what it last said of itself.
-- grain: device and day
-- kind: by_day
WITH seen AS (
  SELECT
    application_id, device_id, installation_id, started_at AS seen_at, received_at, platform,
    device_manufacturer, device_model, device_type, os_version, device_locale, app_version, country_code,
    google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, _unit, _row
  FROM core.appmetrica_session_start_row
  UNION ALL
  SELECT
    application_id, device_id, installation_id, installed_at, received_at, platform,
    device_manufacturer, device_model, device_type, os_version, device_locale, app_version, country_code,
    google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, _unit, _row
  FROM core.appmetrica_install_row
  UNION ALL
  SELECT
    application_id, device_id, installation_id, occurred_at, received_at, platform,
    device_manufacturer, device_model, device_type, os_version, device_locale, app_version, country_code,
    google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, _unit, _row
  FROM core.appmetrica_event_row
),

known AS (
  SELECT
    *,
    hash_key('appmetrica', application_id, device_id) AS device_key,
    utc_day(seen_at) AS day
  FROM seen
  WHERE device_id IS NOT NULL
),

ranked AS (
  SELECT
    *,
    min(seen_at) OVER (PARTITION BY device_key, day) AS first_seen_at,
    max(seen_at) OVER (PARTITION BY device_key, day) AS last_seen_at,
    max(installation_id) OVER (PARTITION BY device_key, day) AS installation_seen,
    row_number() OVER (
      PARTITION BY device_key, day
      ORDER BY received_at DESC NULLS LAST, seen_at DESC NULLS LAST, _unit DESC, _row DESC
    ) AS age_rank
  FROM known
)

SELECT
  device_key, -- hash of app and device id
  day, -- day of first_seen_at, UTC; NULL for rows without a time
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  device_id, -- the vendor's device id
  installation_seen AS installation_id, -- an installation seen this day
  first_seen_at, -- first sign of it this day, device clock, UTC
  last_seen_at, -- last sign of it this day, device clock, UTC
  received_at, -- receipt of the row the rest is from, UTC
  platform, -- ios, android or windows
  device_manufacturer AS manufacturer, -- normalised maker
  device_model AS model, -- normalised model
  device_type, -- phone, tablet or unknown
  os_version, -- OS version
  device_locale AS locale, -- device language
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  google_aid, -- Google advertising id
  ios_ifa, -- IDFA
  ios_ifv, -- IDFV
  huawei_oaid, -- Huawei OAID
  windows_aid -- Windows advertising id
FROM ranked
WHERE age_rank = 1
