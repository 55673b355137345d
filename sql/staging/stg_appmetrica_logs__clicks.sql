-- Clicks and impressions of tracking links: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.touch_type, '') AS touch_type, -- click|impression|unknown
  r.is_bot, -- non-browser click true|false
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  nullif(r.country_iso_code, '') AS country_code, -- ISO country code, iso3166-1
  nullif(r.city, '') AS city, -- city name in English
  nullif(r.device_manufacturer, '') AS device_manufacturer, -- normalised manufacturer
  nullif(r.device_model, '') AS device_model, -- normalised model
  nullif(nullif(r.google_aid, ''), '00000000-0000-0000-0000-000000000000') AS google_aid, -- Google advertising id
  nullif(nullif(r.ios_ifa, ''), '00000000-0000-0000-0000-000000000000') AS ios_ifa, -- IDFA
  nullif(r.ios_ifv, '') AS ios_ifv, -- IDFV
  nullif(r.os_version, '') AS os_version, -- OS version
  nullif(nullif(r.windows_aid, ''), '00000000-0000-0000-0000-000000000000') AS windows_aid, -- Windows advertising id
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
FROM appmetrica_logs.clicks AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
