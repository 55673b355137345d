-- Installs of every vendor; each keeps its own attribution. Of AppMetrica these are revisions of installs.
-- grain: install row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_all AS (
  SELECT
    'appmetrica' AS vendor, source, application_id, device_id, installation_id, installed_at, received_at,
    available_at, version, sign, is_reattribution, is_reinstallation, fraud_status, attributed_touch_type,
    match_type, publisher_id, publisher_name, tracker_name, tracking_id, click_url_parameters, clicked_at,
    platform, app_version, country_code, device_manufacturer, device_model, device_type, os_version,
    device_locale, google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, CAST(NULL AS VARCHAR) AS campaign,
    CAST(NULL AS VARCHAR) AS campaign_id, _unit, _row
  FROM core.appmetrica_install_row
  UNION ALL
  SELECT
    'mytracker', 'mytracker', application_id, device_id, CAST(NULL AS VARCHAR), installed_at, received_at,
    available_at, 1, 1, kind = 'reengagement', kind = 'reinstall', CAST(NULL AS VARCHAR), touch_type,
    CAST(NULL AS VARCHAR), publisher_id, publisher_name, tracker_name, tracking_id, CAST(NULL AS VARCHAR),
    touched_at, platform, app_version, country_code, device_manufacturer, device_model, CAST(NULL AS VARCHAR),
    os_version, device_locale, google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, campaign, campaign_id,
    _unit, _row
  FROM core.mytracker_install_row
)

SELECT
  vendor, -- appmetrica or mytracker
  source, -- dataset the row came by
  application_id, -- vendor's app id
  device_id, -- the vendor's device id
  installation_id, -- the vendor's installation id; NULL from MyTracker
  installed_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, of MyTracker tsInsert, UTC
  available_at, -- when the vendor offered the unit, UTC
  version, -- revision; 1 from the Logs API and MyTracker, which have none
  sign, -- 1, or -1 for a revision taken back; 1 from the Logs API and MyTracker
  is_reattribution, -- credited anew to another partner
  is_reinstallation, -- repeated install on the device
  fraud_status, -- ok, low, mid, high or unknown; only from Data Stream
  attributed_touch_type, -- click, impression or unknown; of MyTracker also pre_install and dooh
  match_type, -- fingerprint, referrer, identifier; NULL from MyTracker
  publisher_id, -- ad partner
  publisher_name, -- ad partner's name; NULL for organic
  tracker_name, -- tracker or tracking link in the vendor's interface
  tracking_id, -- tracker or tracking link
  click_url_parameters, -- query of the tracking link; NULL from MyTracker
  clicked_at, -- click or impression, UTC; NULL for organic
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
  campaign, -- campaign's title; only from MyTracker
  campaign_id, -- campaign; only from MyTracker
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM rows_of_all
