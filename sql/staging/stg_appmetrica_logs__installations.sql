-- Every install, re-installs included; one row each, without revisions: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.installation_id, '') AS installation_id, -- install id (32 hex)
  nullif(r.attributed_touch_type, '') AS attributed_touch_type, -- what was credited: click|impression|unknown
  nullif(r.install_ipv6, '') AS install_ipv6, -- IP at install
  r.install_receive_timestamp AS received_at, -- server receipt of the install, UTC
  r.install_timestamp AS installed_at, -- install time, UTC
  r.is_reattribution, -- install re-credited to a new source
  r.is_reinstallation, -- repeat install on the device
  nullif(r.match_type, '') AS match_type, -- fingerprint|referrer|identifier|empty
  nullif(r.device_locale, '') AS device_locale, -- device language
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.operator_name, '') AS operator_name, -- mobile operator
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  nullif(r.fingerprint_method, '') AS fingerprint_method, -- fingerprint method; listed for Logs installations on 2026 pages; value set not documented
  nullif(r.android_id, '') AS android_id, -- Android device id [requested by ampersante/appmetrica-cli] (observed)
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
  nullif(r.click_id, '') AS click_id, -- click/impression id, empty if none
  nullif(r.click_ipv6, '') AS click_ipv6, -- IP at click in IPv6 form (v4 mapped)
  r.click_timestamp AS clicked_at, -- click/impression; empty for organic, UTC
  nullif(r.click_url_parameters, '') AS click_url_parameters, -- query string of the tracking link
  nullif(r.click_user_agent, '') AS click_user_agent, -- user agent of the click
  nullif(r.oaid, '') AS huawei_oaid, -- Huawei OAID (Logs API name)
  nullif(nullif(r.publisher_id, ''), '0') AS publisher_id, -- ad partner id; 0 for unattributed postbacks
  nullif(r.publisher_name, '') AS publisher_name, -- ad partner name; empty if unattributed
  nullif(r.tracker_name, '') AS tracker_name, -- tracker name from the UI
  nullif(r.tracking_id, '') AS tracking_id, -- tracker id; example exceeds int64
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM appmetrica_logs.installations AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
