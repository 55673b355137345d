-- Installs, reinstalls and re-engagements of MyTracker; a re-engagement is credited to its current attribution where that is loaded.
-- grain: install, reinstall or re-engagement row
-- key: _unit, _row
-- kind: view
WITH installs AS (
  SELECT
    'install' AS kind,
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, available_at, clicked_at, viewed_at, id_ad_event_type, id_partner, id_partner_title,
    id_campaign, id_campaign_title, id_ad, id_ad_title, os, platform_title, device_manufacturer, device_model,
    os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa, ios_vendor_id, oaid,
    waid, _unit, _row
  FROM stg.stg_mytracker__installs
  UNION ALL
  SELECT
    'reinstall',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, available_at, NULL, NULL, id_ad_event_type, id_partner, id_partner_title,
    id_campaign, id_campaign_title, id_ad, id_ad_title, os, platform_title, device_manufacturer, device_model,
    os_version, id_os_lang_title, rooted, app_version, country_code, advertising_id, idfa, ios_vendor_id, oaid,
    waid, _unit, _row
  FROM stg.stg_mytracker__reinstalls
  UNION ALL
  SELECT
    'reengagement',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, available_at, NULL, NULL, id_ad_event_type,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_partner ELSE id_partner_attr END,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_partner_title ELSE id_partner_attr_title END,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_campaign ELSE id_campaign_attr END,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_campaign_title ELSE id_campaign_attr_title END,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_ad ELSE id_ad_attr END,
    CASE WHEN id_partner_attr IS NULL AND id_partner_attr_title IS NULL THEN id_ad_title ELSE id_ad_attr_title END,
    os, platform_title, device_manufacturer, device_model, os_version, id_os_lang_title, rooted, app_version,
    country_code, advertising_id, idfa, ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__reengagements
)

SELECT
  coalesce(known_id(CAST(app_id AS VARCHAR)), application_id, 'unknown') AS application_id, -- the row's app id, else that of the unit; unknown where neither says
  id_app_title AS app_title, -- the vendor's title of the app
  coalesce(known_id(device_id), known_id(device_profile_id)) AS device_id, -- idDevice, else idProfile
  custom_user_id AS profile_id, -- user id the app set; it stays with the device until another is set
  kind, -- install, reinstall or reengagement
  occurred_at AS installed_at, -- tsEvent, UTC; wrong clocks are kept
  inserted_at AS received_at, -- tsInsert: when the row appeared in the vendor's storage, UTC
  available_at, -- when the vendor offered the unit, UTC
  CASE
    WHEN CAST(id_ad_event_type AS VARCHAR) = '1' THEN 'click'
    WHEN CAST(id_ad_event_type AS VARCHAR) = '2' THEN 'impression'
    WHEN CAST(id_ad_event_type AS VARCHAR) = '3' THEN 'pre_install'
    WHEN CAST(id_ad_event_type AS VARCHAR) = '4' THEN 'dooh'
    WHEN clicked_at IS NOT NULL THEN 'click'
    WHEN viewed_at IS NOT NULL THEN 'impression'
  END AS touch_type, -- click, impression, pre_install or dooh (outdoor screens), by the times where the type is not given
  CASE CAST(id_ad_event_type AS VARCHAR) WHEN '2' THEN coalesce(viewed_at, clicked_at) ELSE coalesce(clicked_at, viewed_at) END AS touched_at, -- click or impression, UTC; NULL for organic
  credited(CAST(id_partner AS VARCHAR), CAST(id_partner AS VARCHAR), id_partner_title) AS publisher_id, -- partner; NULL for organic
  credited(id_partner_title, CAST(id_partner AS VARCHAR), id_partner_title) AS publisher_name, -- partner's title; NULL for organic
  known_id(CAST(id_campaign AS VARCHAR)) AS campaign_id, -- campaign
  id_campaign_title AS campaign, -- campaign's title
  known_id(CAST(id_ad AS VARCHAR)) AS tracking_id, -- tracking link
  id_ad_title AS tracker_name, -- tracking link's title
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
FROM installs
