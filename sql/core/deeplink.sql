-- An opening of the app by a deep link.
-- grain: deeplink row
-- key: deeplink_key
-- kind: by_day
SELECT
  hash_key('appmetrica_stream', 'deeplink', _unit, _row) AS deeplink_key, -- hash of source, table, unit and row
  'appmetrica_stream' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  hash_key('appmetrica', application_id, device_id) AS device_key, -- core.device
  hash_key('appmetrica', application_id, coalesce(installation_id, ''), device_id, session_id) AS session_key, -- core.session
  deeplink_url_scheme AS url_scheme, -- scheme of the link
  deeplink_url_host AS url_host, -- host of the link
  deeplink_url_path AS url_path, -- path of the link
  deeplink_url_parameters AS url_parameters, -- query of the link
  is_reengagement, -- opened by a remarketing tracker
  publisher_id, -- ad partner
  publisher_name, -- ad partner's name
  tracker_name, -- tracker in the vendor's interface
  tracking_id, -- tracker id
  occurred_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, UTC
  seconds_between(occurred_at, received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(occurred_at) AS day, -- day of occurred_at, UTC
  platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer) AS platform, -- told by ids and maker: the vendor gives none here
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_appmetrica_stream__deeplink
