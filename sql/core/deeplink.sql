-- An opening of the app by a deep link. The Logs API does not name the installation: it is that of the device that day.
-- MyTracker does not give the link.
-- grain: deeplink row
-- key: deeplink_key
-- kind: by_day
WITH rows_of_all AS (
  SELECT
    'appmetrica' AS vendor, 'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, deeplink_url_scheme,
    deeplink_url_host, deeplink_url_path, deeplink_url_parameters, is_reengagement, publisher_id,
    publisher_name, tracker_name, tracking_id, occurred_at, received_at,
    platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer) AS platform, app_version, country_code,
    _unit, _row
  FROM stg.stg_appmetrica_stream__deeplink
  UNION ALL
  SELECT
    'appmetrica', 'appmetrica_logs', application_id, device_id, CAST(NULL AS VARCHAR), session_id, deeplink_url_scheme,
    deeplink_url_host, deeplink_url_path, deeplink_url_parameters, is_reengagement, publisher_id,
    publisher_name, tracker_name, tracking_id, occurred_at, received_at,
    platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer), app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__deeplinks
  UNION ALL
  SELECT
    'mytracker', 'mytracker', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR),
    CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR),
    CAST(NULL AS BOOLEAN), publisher_id, publisher_name, tracker_name, tracking_id, occurred_at, received_at,
    platform, app_version, country_code, _unit, _row
  FROM core.mytracker_visit_row
  WHERE kind = 'deeplink'
)

SELECT
  hash_key(r.source, 'deeplink', r._unit, r._row) AS deeplink_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key(r.vendor, r.application_id) AS app_key, -- core.app
  hash_key(r.vendor, r.application_id, r.device_id) AS device_key, -- core.device
  hash_key(r.vendor, r.application_id, coalesce(r.installation_id, d.installation_id, ''), r.device_id, r.session_id) AS session_key, -- core.session; NULL from MyTracker
  r.deeplink_url_scheme AS url_scheme, -- scheme of the link; NULL from MyTracker
  r.deeplink_url_host AS url_host, -- host of the link; NULL from MyTracker
  r.deeplink_url_path AS url_path, -- path of the link; NULL from MyTracker
  r.deeplink_url_parameters AS url_parameters, -- query of the link; NULL from MyTracker
  r.is_reengagement, -- opened by a remarketing tracker; NULL from MyTracker
  r.publisher_id, -- ad partner
  r.publisher_name, -- ad partner's name
  r.tracker_name, -- tracker in the vendor's interface
  r.tracking_id, -- tracker id
  r.occurred_at, -- device clock, UTC; wrong clocks are kept
  r.received_at, -- receipt by the vendor, UTC
  seconds_between(r.occurred_at, r.received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(r.occurred_at) AS day, -- day of occurred_at, UTC
  r.platform, -- told by ids and maker where the vendor does not say
  r.app_version, -- developer's version text
  r.country_code AS country, -- ISO 3166-1 code
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_all AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'deeplink'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
LEFT JOIN core.device_day AS d
  ON CASE r.source WHEN 'appmetrica_logs' THEN hash_key('appmetrica', r.application_id, r.device_id) END = d.device_key
  AND utc_day(r.occurred_at) = d.day
WHERE o.source IS NULL
