-- Events of every vendor: of AppMetrica those of the export that ops.coverage reads, of MyTracker its custom events.
-- grain: event row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_all AS (
  SELECT
    'appmetrica' AS vendor, source, application_id, device_id, profile_id, installation_id, session_id,
    event_name, event_source, session_type, occurred_at, received_at, available_at, platform, app_version,
    country_code, device_manufacturer, device_model, device_type, os_version, device_locale, google_aid,
    ios_ifa, ios_ifv, huawei_oaid, windows_aid, properties, _unit, _row
  FROM core.appmetrica_event_row
  UNION ALL
  SELECT
    'mytracker', 'mytracker', application_id, device_id, profile_id, CAST(NULL AS VARCHAR),
    CAST(NULL AS VARCHAR), event_name, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), occurred_at, received_at,
    available_at, platform, app_version, country_code, device_manufacturer, device_model, CAST(NULL AS VARCHAR),
    os_version, device_locale, google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, properties, _unit, _row
  FROM core.mytracker_event_row
)

SELECT
  vendor, -- appmetrica or mytracker
  source, -- dataset the row came by
  application_id, -- vendor's app id
  device_id, -- the vendor's device id
  profile_id, -- user id the app set
  installation_id, -- the vendor's installation id; NULL from MyTracker
  session_id, -- the vendor's session number; NULL from MyTracker
  event_name, -- event name
  event_source, -- sdk, import_api, js or system; only from Data Stream
  session_type, -- foreground or background; only from Data Stream
  occurred_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, of MyTracker tsInsert, UTC
  available_at, -- when the vendor offered the unit, UTC
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
  properties, -- event attributes, JSON; NULL where not valid
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM rows_of_all
