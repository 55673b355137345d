-- Crashes; all of them are fatal: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.crash, '') AS stack_trace, -- stack trace; contains line breaks
  nullif(r.crash_group_id, '') AS crash_group_id, -- group id
  nullif(r.crash_id, '') AS crash_id, -- crash id
  nullif(r.crash_name, '') AS crash_name, -- crash name
  r.crash_receive_timestamp AS received_at, -- server receipt of crash, UTC
  r.crash_timestamp AS occurred_at, -- crash time, UTC
  nullif(r.device_ipv6, '') AS ip_address, -- IP at the event in IPv6 form
  nullif(r.device_locale, '') AS device_locale, -- device language
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.operator_name, '') AS operator_name, -- mobile operator
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  as_json(nullif(r.crash_json, '')) AS crash_json, -- structured crash payload; listed on 2026 pages; NULL where it is not valid JSON
  nullif(r.crash_json, '') AS crash_json_text, -- the exact text the vendor sent
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
FROM appmetrica_logs.crashes AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
