-- User profiles as they are now: a snapshot. Custom attributes may be asked for by name: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.appmetrica_gender, '') AS gender, -- gender
  nullif(r.appmetrica_birth_date, '') AS born_on, -- doc calls it age; example 30
  r.appmetrica_notifications_enabled AS is_notifiable, -- notifications on
  nullif(r.appmetrica_name, '') AS name, -- name
  r.appmetrica_crashes AS crashes, -- crash count
  r.appmetrica_errors AS errors, -- error count
  r.appmetrica_first_session_date AS first_session_on, -- yyyy-mm-dd, app time zone
  r.appmetrica_last_start_date AS last_start_on, -- yyyy-mm-dd, app time zone
  r.appmetrica_push_opens AS push_opens, -- opened pushes, count
  r.appmetrica_push_send_count AS push_sends, -- sent pushes, count
  r.appmetrica_sdk_version AS sdk_version, -- SDK version number e.g. 3001000
  r.appmetrica_sessions AS sessions, -- session count
  nullif(r.android_id, '') AS android_id, -- Android device id
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.operator_name, '') AS operator_name, -- mobile operator
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  nullif(r.app_build_number, '') AS app_build, -- build number; documented as integer, kept as text
  r.app_framework, -- 0 native 1 Unity 2 Xamarin 3 React 4 Cordova
  nullif(r.country_iso_code, '') AS country_code, -- ISO country code, iso3166-1
  nullif(r.city, '') AS city, -- city name in English
  nullif(r.device_manufacturer, '') AS device_manufacturer, -- normalised manufacturer
  nullif(r.device_model, '') AS device_model, -- normalised model
  nullif(nullif(r.google_aid, ''), '00000000-0000-0000-0000-000000000000') AS google_aid, -- Google advertising id
  nullif(nullif(r.ios_ifa, ''), '00000000-0000-0000-0000-000000000000') AS ios_ifa, -- IDFA
  nullif(r.ios_ifv, '') AS ios_ifv, -- IDFV
  nullif(r.os_version, '') AS os_version, -- OS version
  nullif(nullif(r.windows_aid, ''), '00000000-0000-0000-0000-000000000000') AS windows_aid, -- Windows advertising id
  nullif(r.profile_id, '') AS profile_id, -- client-set user profile id
  nullif(r.appmetrica_device_id, '') AS device_id, -- device id; exceeds int64
  nullif(r.app_package_name, '') AS app_package, -- package / bundle id
  nullif(r.app_version_name, '') AS app_version, -- developer version string
  nullif(r.connection_type, '') AS connection_type, -- wifi|cell|unknown
  r.mcc, -- mobile country code
  r.mnc, -- mobile network code
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM appmetrica_logs.profiles_v2 AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
