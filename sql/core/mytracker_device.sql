-- A device of an app of MyTracker: when it was seen, and each thing it last said of itself.
-- grain: app and device
-- key: device_key
-- kind: view
SELECT
  device_key, -- hash of app and device id
  hash_key('mytracker', application_id) AS app_key, -- core.app
  device_id, -- idDevice, else idProfile
  min(first_seen_at) AS first_seen_at, -- first sign of it, UTC
  max(last_seen_at) AS last_seen_at, -- last sign of it, UTC
  last_known(platform, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS platform, -- ios, android or windows
  last_known(manufacturer, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS manufacturer, -- maker
  last_known(model, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS model, -- model
  last_known(os_version, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS os_version, -- OS version
  last_known(locale, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS locale, -- device language
  last_known(app_version, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS app_version, -- developer's version text
  last_known(country, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS country, -- ISO 3166-1 code
  last_known(google_aid, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS google_aid, -- Google advertising id
  last_known(ios_ifa, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS ios_ifa, -- IDFA
  last_known(ios_ifv, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS ios_ifv, -- IDFV
  last_known(huawei_oaid, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS huawei_oaid, -- Huawei OAID
  last_known(windows_aid, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS windows_aid, -- Windows advertising id
  CAST(last_known(is_rooted, received_at, last_seen_at, coalesce(CAST(day AS VARCHAR), ''), 0) AS BOOLEAN) AS is_rooted -- rooted; NULL where the vendor does not know
FROM core.mytracker_device_day
WHERE device_key IS NOT NULL
GROUP BY device_key, application_id, device_id
