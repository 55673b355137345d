-- Openings of the app by a deep link: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.deeplink_url_host, '') AS deeplink_url_host, -- host part
  nullif(r.deeplink_url_parameters, '') AS deeplink_url_parameters, -- query part
  nullif(r.deeplink_url_path, '') AS deeplink_url_path, -- path part
  nullif(r.deeplink_url_scheme, '') AS deeplink_url_scheme, -- scheme part
  r.is_reengagement, -- remarketing tracker
  nullif(r.session_id, '') AS session_id, -- session number; unique with installation_id + ad id
  nullif(r.android_id, '') AS android_id, -- Android device id
  r.appmetrica_sdk_version AS sdk_version, -- SDK version number e.g. 3001000
  nullif(r.device_ipv6, '') AS ip_address, -- IP at the event in IPv6 form
  nullif(r.device_locale, '') AS device_locale, -- device language
  nullif(r.original_device_model, '') AS original_device_model, -- factory model code
  nullif(r.app_build_number, '') AS app_build, -- build number; documented as integer, kept as text
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown [in response example, missing from the copy list]
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
  nullif(nullif(r.publisher_id, ''), '0') AS publisher_id, -- ad partner id; 0 for unattributed postbacks
  nullif(r.publisher_name, '') AS publisher_name, -- ad partner name; empty if unattributed
  nullif(r.tracker_name, '') AS tracker_name, -- tracker name from the UI
  nullif(r.tracking_id, '') AS tracking_id, -- tracker id; example exceeds int64
  r.event_receive_timestamp AS received_at, -- server receipt, UTC
  r.event_timestamp AS occurred_at, -- device event time, UTC
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM appmetrica_logs.deeplinks AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
