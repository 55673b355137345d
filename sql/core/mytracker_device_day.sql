-- A device of MyTracker on one day, and each thing it last said of itself: what one event does not tell, another may.
-- grain: app, device and day; one row without a device for rows that name none
-- kind: by_day
WITH seen AS (
  SELECT
    application_id, app_title, device_id, occurred_at AS seen_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_event_row
  UNION ALL
  SELECT
    application_id, app_title, device_id, started_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_session_row
  UNION ALL
  SELECT
    application_id, app_title, device_id, installed_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_install_row
  UNION ALL
  SELECT
    application_id, app_title, device_id, occurred_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_visit_row
  UNION ALL
  SELECT
    application_id, app_title, device_id, occurred_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_payment_row
  UNION ALL
  SELECT
    application_id, app_title, device_id, occurred_at, received_at, platform, device_manufacturer, device_model,
    os_version, device_locale, is_rooted, app_version, country_code, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, _unit, _row
  FROM core.mytracker_ad_row
)

SELECT
  hash_key('mytracker', application_id, device_id) AS device_key, -- hash of app and device id; NULL without a device id
  utc_day(seen_at) AS day, -- UTC; NULL for rows without a time
  application_id, -- the vendor's app id
  last_known(app_title, received_at, seen_at, _unit, _row) AS app_title, -- the vendor's title of the app
  device_id, -- idDevice, else idProfile
  min(seen_at) AS first_seen_at, -- first sign of it this day, UTC
  max(seen_at) AS last_seen_at, -- last sign of it this day, UTC
  max(received_at) AS received_at, -- last receipt, UTC
  last_known(platform, received_at, seen_at, _unit, _row) AS platform, -- ios, android or windows
  last_known(device_manufacturer, received_at, seen_at, _unit, _row) AS manufacturer, -- maker
  last_known(device_model, received_at, seen_at, _unit, _row) AS model, -- model
  last_known(os_version, received_at, seen_at, _unit, _row) AS os_version, -- OS version
  last_known(device_locale, received_at, seen_at, _unit, _row) AS locale, -- device language
  last_known(app_version, received_at, seen_at, _unit, _row) AS app_version, -- developer's version text
  last_known(country_code, received_at, seen_at, _unit, _row) AS country, -- ISO 3166-1 code
  last_known(google_aid, received_at, seen_at, _unit, _row) AS google_aid, -- Google advertising id
  last_known(ios_ifa, received_at, seen_at, _unit, _row) AS ios_ifa, -- IDFA
  last_known(ios_ifv, received_at, seen_at, _unit, _row) AS ios_ifv, -- IDFV
  last_known(huawei_oaid, received_at, seen_at, _unit, _row) AS huawei_oaid, -- Huawei OAID
  last_known(windows_aid, received_at, seen_at, _unit, _row) AS windows_aid, -- Windows advertising id
  CAST(last_known(is_rooted, received_at, seen_at, _unit, _row) AS BOOLEAN) AS is_rooted -- rooted; NULL where the vendor does not know
FROM seen
GROUP BY application_id, device_id, utc_day(seen_at)
