-- Custom events of MyTracker by device; the same events by user (userCustomEvents) are not added to them.
-- grain: custom event row
-- key: _unit, _row
-- kind: view
SELECT
  coalesce(known_id(CAST(app_id AS VARCHAR)), application_id, 'unknown') AS application_id, -- the row's app id, else that of the unit; unknown where neither says
  id_app_title AS app_title, -- the vendor's title of the app
  coalesce(known_id(device_id), known_id(device_profile_id)) AS device_id, -- idDevice, else idProfile
  custom_user_id AS profile_id, -- user id the app set; it stays with the device until another is set
  event_name, -- event name
  occurred_at, -- tsEvent, UTC; wrong clocks are kept
  inserted_at AS received_at, -- tsInsert: when the row appeared in the vendor's storage, UTC
  available_at, -- when the vendor offered the unit, UTC
  paired_json(params_name, params_value) AS properties, -- parameters, JSON; NULL where they are not pairs
  coalesce(platform_named(os), platform_named(platform_title), platform_of(known_id(idfa), known_id(ios_vendor_id), known_id(waid), device_manufacturer)) AS platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code, -- ISO 3166-1 code
  device_manufacturer, -- maker
  device_model, -- model
  os_version, -- OS version
  id_os_lang_title AS device_locale, -- device language
  CASE CAST(rooted AS VARCHAR) WHEN '1' THEN TRUE WHEN '2' THEN FALSE END AS is_rooted, -- rooted; NULL where the vendor does not know
  known_id(advertising_id) AS google_aid, -- Google advertising id
  known_id(idfa) AS ios_ifa, -- IDFA
  known_id(ios_vendor_id) AS ios_ifv, -- IDFV
  known_id(oaid) AS huawei_oaid, -- Huawei OAID
  known_id(waid) AS windows_aid, -- Windows advertising id
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_mytracker__custom_events
