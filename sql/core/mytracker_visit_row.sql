-- What else of MyTracker tells that a device was there: registrations, authorisations, activities, openings by a deep link.
-- grain: row of one of the four tables
-- key: _unit, _row
-- kind: view
WITH visits AS (
  SELECT
    'registration' AS kind,
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, id_partner, id_partner_title, id_ad, id_ad_title, os, platform_title, device_manufacturer,
    device_model, os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa,
    ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__device_registrations
  UNION ALL
  SELECT
    'authorisation',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, id_partner, id_partner_title, id_ad, id_ad_title, os, platform_title, device_manufacturer,
    device_model, os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa,
    ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__device_authorisations
  UNION ALL
  SELECT
    'activity',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, id_partner, id_partner_title, id_ad, id_ad_title, os, platform_title, device_manufacturer,
    device_model, os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa,
    ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__activities
  UNION ALL
  SELECT
    'deeplink',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, id_partner, id_partner_title, id_ad, id_ad_title, os, platform_title, device_manufacturer,
    device_model, os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa,
    ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__deeplinks
)

SELECT
  coalesce(known_id(CAST(app_id AS VARCHAR)), application_id, 'unknown') AS application_id, -- the row's app id, else that of the unit; unknown where neither says
  id_app_title AS app_title, -- the vendor's title of the app
  coalesce(known_id(device_id), known_id(device_profile_id)) AS device_id, -- idDevice, else idProfile
  custom_user_id AS profile_id, -- user id the app set; it stays with the device until another is set
  kind, -- registration, authorisation, activity (the vendor's own list of active devices) or deeplink
  occurred_at, -- tsEvent, UTC; wrong clocks are kept
  inserted_at AS received_at, -- tsInsert: when the row appeared in the vendor's storage, UTC
  credited(CAST(id_partner AS VARCHAR), CAST(id_partner AS VARCHAR), id_partner_title) AS publisher_id, -- partner; NULL for organic
  credited(id_partner_title, CAST(id_partner AS VARCHAR), id_partner_title) AS publisher_name, -- partner's title; NULL for organic
  id_ad_title AS tracker_name, -- tracking link's title
  known_id(CAST(id_ad AS VARCHAR)) AS tracking_id, -- tracking link
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
FROM visits
