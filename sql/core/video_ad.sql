-- What happened to an ad in ShortKit's feed: it was asked for, shown, played, ended, clicked. Two versions of the vendor name the same things otherwise; `kind` is one name for both.
-- The key is made like that of core.video_event.
-- grain: ads row
-- key: ad_event_key
-- kind: by_day
WITH digested AS (
  SELECT
    *,
    utc_day(occurred_at) AS day,
    hash_key(
      coalesce(application_id, ''), coalesce(name, ''), coalesce(content_id, ''), coalesce(user_id, ''),
      coalesce(CAST(occurred_at AS VARCHAR), ''), coalesce(session_id, ''), coalesce(device_type, ''),
      coalesce(device_id, ''), coalesce(country_code, ''), coalesce(CAST(current_time_s AS VARCHAR), ''),
      coalesce(canonical_json(data), data_text, '')
    ) AS digest
  FROM stg.stg_shortkit__ads
),

numbered AS (
  SELECT *, row_number() OVER (PARTITION BY day, digest ORDER BY _unit, _row) AS repeat
  FROM digested
)

SELECT
  hash_key('shortkit', 'ads', coalesce(CAST(day AS VARCHAR), ''), digest, repeat) AS ad_event_key, -- hash of source, table, day, what the row says and its number among equal rows
  'shortkit' AS source, -- dataset the row came by
  hash_key('shortkit', application_id) AS app_key, -- core.app
  hash_key('shortkit', application_id, device_id) AS device_key, -- the device; NULL without a device id
  hash_key('shortkit', application_id, 'profile', nullif(known_user(user_id), device_id)) AS user_key, -- person by the vendor's user id; NULL where that is the device's or the word anonymous
  name, -- event name as the vendor writes it
  CASE
    WHEN name IN ('impression', 'adImpression') THEN 'impression'
    WHEN name IN ('completion', 'adComplete') THEN 'end'
    WHEN name IN ('click', 'adClick') THEN 'click'
    WHEN name = 'adRequest' THEN 'request'
    WHEN name = 'adStart' THEN 'start'
    WHEN name = 'adProgress' THEN 'progress'
    WHEN name = 'adSkip' THEN 'skip'
    ELSE 'other'
  END AS kind, -- request, impression, start, progress, end, skip, click or other
  CASE name
    WHEN 'adComplete' THEN TRUE
    WHEN 'completion' THEN coalesce(is_completed, NOT coalesce(is_skipped, FALSE))
  END AS is_completed, -- of an end: the ad played to its end; TRUE where the row says neither that nor that it was skipped
  CASE name WHEN 'adSkip' THEN TRUE ELSE is_skipped END AS is_skipped, -- the user skipped it
  coalesce(ad_id, slot_id) AS ad_id, -- the ad; the slot where the vendor tells that instead
  ad_network_id AS network, -- ad network; told of impressions only
  ad_unit_id AS unit_id, -- ad unit; told by the later version only
  creative_id, -- creative of the ad's provider
  content_id, -- content the row names
  content_id_before, -- content shown before the ad
  position, -- place in the feed, 0-based
  watch_time_s, -- time watched, s
  is_filled, -- of a request: it got an ad
  error_reason, -- of a request: why it got none
  quartile, -- of progress: first, midpoint or third
  occurred_at, -- event time, UTC
  day, -- day of occurred_at, UTC
  session_id, -- the vendor's viewing session
  device_type, -- ios, android or web
  country_code AS country, -- ISO 3166-1 code
  data, -- what is particular to the event, JSON; NULL where not valid
  available_at, -- when the vendor offered the unit, UTC
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM numbered
