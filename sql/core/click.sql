-- A click on, or an impression of, a tracking link.
-- grain: click row
-- key: click_key
-- kind: by_day
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, touch_type, is_bot, click_id, click_url_parameters,
    publisher_id, publisher_name, tracker_name, tracking_id, clicked_at, platform, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__click
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, touch_type, is_bot, click_id, click_url_parameters, publisher_id,
    publisher_name, tracker_name, tracking_id, clicked_at, platform, country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__clicks
)

SELECT
  hash_key(r.source, 'click', r._unit, r._row) AS click_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key('appmetrica', r.application_id) AS app_key, -- core.app
  r.touch_type, -- click, impression or unknown
  r.is_bot, -- not made by a browser
  r.click_id, -- the vendor's click id
  r.click_url_parameters AS url_parameters, -- query of the tracking link
  r.publisher_id, -- ad partner
  r.publisher_name, -- ad partner's name
  r.tracker_name, -- tracker in the vendor's interface
  r.tracking_id, -- tracker id
  r.clicked_at AS occurred_at, -- moment of the click, UTC
  utc_day(r.clicked_at) AS day, -- day of occurred_at, UTC
  r.platform, -- ios, android or windows
  r.country_code AS country, -- ISO 3166-1 code
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_both AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'click'
  AND falls_in(r.clicked_at, o.from_at, o.until_at)
WHERE o.source IS NULL
