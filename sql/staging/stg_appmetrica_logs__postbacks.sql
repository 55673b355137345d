-- Messages about conversions sent to partners; a failed one is sent again, as a new row: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.attributed_touch_type, '') AS attributed_touch_type, -- what was credited: click|impression|unknown
  nullif(r.install_ipv6, '') AS install_ipv6, -- IP at install
  r.install_timestamp AS installed_at, -- install time, UTC
  nullif(r.match_type, '') AS match_type, -- fingerprint|referrer|identifier|empty
  nullif(r.device_locale, '') AS device_locale, -- device language
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  r.conversion_timestamp AS converted_at, -- same, UTC
  nullif(r.event_name, '') AS event_name, -- event name from the SDK
  r.attempt_timestamp AS sent_at, -- postback send time, UTC
  nullif(r.notifying_status, '') AS notifying_status, -- failed|sent; a failed postback repeats
  nullif(r.postback_url, '') AS postback_url, -- full postback URL
  nullif(r.postback_url_parameters, '') AS postback_url_parameters, -- postback URL query
  nullif(r.response_body, '') AS response_body, -- body returned by the partner
  r.response_code, -- HTTP code from the partner, http status
  nullif(r.cost_model, '') AS cost_model, -- cpi|cpa|cpr (doc alias postback_type) [in response example, missing from the copy list]
  nullif(r.identifier, '') AS identifier, -- always empty per docs [only on the endpoints page]
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
FROM appmetrica_logs.postbacks AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
