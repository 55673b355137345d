-- Events of either AppMetrica export, each from the one that ops.coverage reads.
-- grain: event row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, profile_id, installation_id, session_id,
    event_name, event_source, session_type, occurred_at, received_at, available_at, platform, app_version,
    country_code, device_manufacturer, device_model, device_type, os_version, device_locale, google_aid,
    ios_ifa, ios_ifv, huawei_oaid, windows_aid, properties, _unit, _row
  FROM stg.stg_appmetrica_stream__event
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, profile_id, installation_id, session_id, event_name,
    CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), occurred_at, received_at, available_at, platform,
    app_version, country_code, device_manufacturer, device_model, device_type, os_version, device_locale,
    google_aid, ios_ifa, ios_ifv, CAST(NULL AS VARCHAR), windows_aid, properties, _unit, _row
  FROM stg.stg_appmetrica_logs__events
)

SELECT
  r.source, -- dataset the row came by
  r.application_id, -- vendor's app id
  r.device_id, -- the vendor's device id
  r.profile_id, -- profile id the app set
  r.installation_id, -- the vendor's installation id
  r.session_id, -- the vendor's session number
  r.event_name, -- event name
  r.event_source, -- sdk, import_api, js or system; NULL from the Logs API
  r.session_type, -- foreground or background; NULL from the Logs API
  r.occurred_at, -- device clock, UTC; wrong clocks are kept
  r.received_at, -- receipt by the vendor, UTC
  r.available_at, -- when the vendor offered the unit, UTC
  r.platform, -- ios, android or windows
  r.app_version, -- developer's version text
  r.country_code, -- ISO 3166-1 code
  r.device_manufacturer, -- normalised maker
  r.device_model, -- normalised model
  r.device_type, -- phone, tablet or unknown
  r.os_version, -- OS version
  r.device_locale, -- device language
  r.google_aid, -- Google advertising id
  r.ios_ifa, -- IDFA
  r.ios_ifv, -- IDFV
  r.huawei_oaid, -- Huawei OAID
  r.windows_aid, -- Windows advertising id
  r.properties, -- event attributes, JSON; NULL where not valid
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_both AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'event'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
