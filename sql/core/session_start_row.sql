-- Starts of sessions of every vendor. MyTracker gives a session in one row, so its end stands here too.
-- grain: session start row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_all AS (
  SELECT
    'appmetrica' AS vendor, source, application_id, device_id, profile_id, installation_id, session_id,
    session_type, started_at, received_at, platform, app_version, country_code, device_manufacturer,
    device_model, device_type, os_version, device_locale, google_aid, ios_ifa, ios_ifv, huawei_oaid,
    windows_aid, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS ended_at, _unit, _row
  FROM core.appmetrica_session_start_row
  UNION ALL
  SELECT
    'mytracker', 'mytracker', application_id, device_id, profile_id, CAST(NULL AS VARCHAR),
    CAST(NULL AS VARCHAR), 'foreground', started_at, received_at, platform, app_version, country_code,
    device_manufacturer, device_model, CAST(NULL AS VARCHAR), os_version, device_locale, google_aid, ios_ifa,
    ios_ifv, huawei_oaid, windows_aid, ended_at, _unit, _row
  FROM core.mytracker_session_row
)

SELECT
  vendor, -- appmetrica or mytracker
  source, -- dataset the row came by
  application_id, -- vendor's app id
  device_id, -- the vendor's device id
  profile_id, -- user id the app set
  installation_id, -- the vendor's installation id; NULL from MyTracker
  session_id, -- the vendor's session number; NULL from MyTracker, which gives none
  session_type, -- foreground or background; NULL from the Logs API; foreground from MyTracker, which knows no other
  started_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, of MyTracker tsInsert, UTC
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code, -- ISO 3166-1 code
  device_manufacturer, -- maker
  device_model, -- model
  device_type, -- phone, tablet or unknown; NULL from MyTracker
  os_version, -- OS version
  device_locale, -- device language
  google_aid, -- Google advertising id
  ios_ifa, -- IDFA
  ios_ifv, -- IDFV
  huawei_oaid, -- Huawei OAID
  windows_aid, -- Windows advertising id
  ended_at, -- end, UTC; only from MyTracker, NULL where the session was broken off
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM rows_of_all
