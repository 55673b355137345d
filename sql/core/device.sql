-- A device of an app: when it was seen, and what it last said of itself.
-- grain: app and the vendor's device id
-- key: device_key
-- kind: table
-- audits: not_null(app_key), relationship(app_key, core.app)
WITH ranked AS (
  SELECT
    *,
    min(first_seen_at) OVER (PARTITION BY device_key) AS first_at,
    max(last_seen_at) OVER (PARTITION BY device_key) AS last_at,
    row_number() OVER (
      PARTITION BY device_key ORDER BY received_at DESC NULLS LAST, last_seen_at DESC NULLS LAST, day DESC NULLS LAST
    ) AS age_rank
  FROM core.device_day
),

devices AS (
  SELECT
    device_key, 'appmetrica' AS source, app_key, device_id, first_at AS first_seen_at, last_at AS last_seen_at,
    platform, manufacturer, model, device_type, os_version, locale, app_version, country, google_aid, ios_ifa,
    ios_ifv, huawei_oaid, windows_aid, CAST(NULL AS BOOLEAN) AS is_rooted
  FROM ranked
  WHERE age_rank = 1
  UNION ALL
  SELECT
    device_key, 'mytracker', app_key, device_id, first_seen_at, last_seen_at,
    platform, manufacturer, model, CAST(NULL AS VARCHAR), os_version, locale, app_version, country, google_aid,
    ios_ifa, ios_ifv, huawei_oaid, windows_aid, is_rooted
  FROM core.mytracker_device
)

SELECT
  device_key, -- hash of app and device id
  source, -- vendor: appmetrica or mytracker
  app_key, -- core.app
  device_id, -- the vendor's device id
  first_seen_at, -- first sign of it, device clock, UTC: 1970 where the clock was wrong
  last_seen_at, -- last sign of it, device clock, UTC
  platform, -- ios, android or windows
  manufacturer, -- maker, normalised by AppMetrica
  model, -- model, normalised by AppMetrica
  device_type, -- phone, tablet or unknown; NULL from MyTracker
  os_version, -- OS version last received
  locale, -- device language last received
  app_version, -- app version last received
  country, -- ISO 3166-1 code last received
  google_aid, -- Google advertising id; from AppMetrica NULL where the user opted out, from MyTracker the last one known
  ios_ifa, -- IDFA, the same way
  ios_ifv, -- IDFV
  huawei_oaid, -- Huawei OAID
  windows_aid, -- Windows advertising id
  coalesce(google_aid, ios_ifa, huawei_oaid, windows_aid) IS NOT NULL AS has_ad_id, -- an advertising id is present
  is_rooted -- NULL where the vendor does not say, as AppMetrica never does
FROM devices
