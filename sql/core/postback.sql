-- A message about a conversion sent to an ad partner; one that failed is sent again, as a row of its own.
-- grain: postback row
-- key: postback_key
-- kind: by_day
SELECT
  hash_key('appmetrica_logs', 'postback', _unit, _row) AS postback_key, -- hash of source, table, unit and row
  'appmetrica_logs' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  hash_key('appmetrica', application_id, device_id) AS device_key, -- core.device
  hash_key('appmetrica', application_id, 'profile', profile_id) AS user_key, -- person by profile id
  cost_model, -- what is paid for: cpi, cpa or cpr
  event_name AS name, -- event the postback is about; NULL for an install
  converted_at, -- event, install or re-engagement, device clock, UTC
  sent_at, -- attempt, UTC
  seconds_between(converted_at, sent_at) AS lateness_s, -- sent_at minus converted_at, s
  utc_day(sent_at) AS day, -- day of sent_at, UTC
  notifying_status AS status, -- sent or failed
  response_code, -- partner's HTTP status
  response_body, -- partner's answer
  postback_url AS url, -- what was called
  attributed_touch_type AS touch_type, -- click, impression or unknown
  match_type, -- fingerprint, referrer, identifier
  publisher_id, -- ad partner; NULL where not attributed
  publisher_name, -- ad partner's name
  tracker_name, -- tracker in the vendor's interface
  tracking_id, -- tracker id
  click_id, -- the vendor's click id
  click_url_parameters AS campaign_parameters, -- query of the tracking link
  clicked_at AS click_at, -- click or impression, UTC
  installed_at, -- install, device clock, UTC
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_appmetrica_logs__postbacks
