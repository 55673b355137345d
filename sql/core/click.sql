-- A click on, or an impression of, a tracking link.
-- grain: click row
-- key: click_key
-- kind: by_day
SELECT
  hash_key('appmetrica_stream', 'click', _unit, _row) AS click_key, -- hash of source, table, unit and row
  'appmetrica_stream' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  touch_type, -- click, impression or unknown
  is_bot, -- not made by a browser
  click_id, -- the vendor's click id
  click_url_parameters AS url_parameters, -- query of the tracking link
  publisher_id, -- ad partner
  publisher_name, -- ad partner's name
  tracker_name, -- tracker in the vendor's interface
  tracking_id, -- tracker id
  clicked_at AS occurred_at, -- moment of the click, UTC
  utc_day(clicked_at) AS day, -- day of occurred_at, UTC
  platform, -- ios, android or windows
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_appmetrica_stream__click
