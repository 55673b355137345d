-- Revisions of installs of either AppMetrica export, each from the one that ops.coverage reads.
-- grain: install row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, installed_at, received_at,
    available_at, version, sign, is_reattribution, is_reinstallation, fraud_status, attributed_touch_type,
    match_type, publisher_id, publisher_name, tracker_name, tracking_id, click_url_parameters, clicked_at,
    platform, app_version, country_code, device_manufacturer, device_model, device_type, os_version,
    device_locale, google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, _unit, _row
  FROM stg.stg_appmetrica_stream__installation
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, installation_id, installed_at, received_at, available_at, 1,
    1, is_reattribution, is_reinstallation, CAST(NULL AS VARCHAR), attributed_touch_type, match_type,
    publisher_id, publisher_name, tracker_name, tracking_id, click_url_parameters, clicked_at, platform,
    app_version, country_code, device_manufacturer, device_model, device_type, os_version, device_locale,
    google_aid, ios_ifa, ios_ifv, huawei_oaid, windows_aid, _unit, _row
  FROM stg.stg_appmetrica_logs__installations
)

SELECT
  r.source, -- dataset the row came by
  r.application_id, -- vendor's app id
  r.device_id, -- the vendor's device id
  r.installation_id, -- the vendor's installation id
  r.installed_at, -- device clock, UTC; wrong clocks are kept
  r.received_at, -- receipt by the vendor, UTC
  r.available_at, -- when the vendor offered the unit, UTC
  r.version, -- revision; 1 from the Logs API, which has none
  r.sign, -- 1, or -1 for a revision taken back; 1 from the Logs API
  r.is_reattribution, -- credited anew to another partner
  r.is_reinstallation, -- repeated install on the device
  r.fraud_status, -- ok, low, mid, high or unknown; NULL from the Logs API
  r.attributed_touch_type, -- click, impression or unknown
  r.match_type, -- fingerprint, referrer, identifier
  r.publisher_id, -- ad partner
  r.publisher_name, -- ad partner's name; NULL for organic
  r.tracker_name, -- tracker in the vendor's interface
  r.tracking_id, -- tracker id
  r.click_url_parameters, -- query of the tracking link
  r.clicked_at, -- click or impression, UTC; NULL for organic
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
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_both AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'install'
  AND falls_in(coalesce(r.received_at, r.installed_at), o.from_at, o.until_at)
WHERE o.source IS NULL
