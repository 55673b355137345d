-- What happened to a video in ShortKit's feed, or in the feed itself: an event, a stall, an error.
-- A key is made of what the row says and of its number among equal rows of its day: exported again in another order it has the same one.
-- grain: event or quality row
-- key: event_key
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
  FROM core.video_event_row
),

numbered AS (
  SELECT *, row_number() OVER (PARTITION BY table_name, day, digest ORDER BY _unit, _row) AS repeat
  FROM digested
)

SELECT
  hash_key('shortkit', table_name, coalesce(CAST(day AS VARCHAR), ''), digest, repeat) AS event_key, -- hash of source, table, day, what the row says and its number among equal rows
  'shortkit' AS source, -- dataset the row came by
  table_name, -- raw table: events or quality
  hash_key('shortkit', application_id) AS app_key, -- core.app
  hash_key('shortkit', application_id, device_id) AS device_key, -- the device; NULL without a device id
  hash_key('shortkit', application_id, 'profile', nullif(known_user(user_id), device_id)) AS user_key, -- person by the vendor's user id; NULL where that is the device's or the word anonymous
  hash_key('shortkit', application_id, coalesce(known_user(user_id), device_id)) AS viewer_key, -- who watched: the user id, else the device id; NULL without either
  name, -- event name
  content_id, -- content the row is about; of a swipe the one swiped to
  occurred_at, -- event time, UTC
  day, -- day of occurred_at, UTC
  session_id, -- the vendor's viewing session; NULL from its first version
  device_type, -- ios, android or web
  country_code AS country, -- ISO 3166-1 code
  data, -- what is particular to the event, JSON; NULL where not valid
  coalesce(playhead_s, current_time_s) AS playhead_s, -- playback position, s: that of `data`, else that of the row
  rendition, -- quality, such as 720p
  position, -- place in the feed, 0-based
  entry_point, -- how the feed or the content was come to
  feed_id, -- feed session id
  startup_time_ms, -- time to first frame, ms
  codec, -- h264 or av1
  is_autoplay, -- playback began without a tap
  duration_s, -- length of the content, s
  complete_percent, -- share watched, 0 to 100
  bitrate_bit_s, -- bitrate, bit/s
  watch_time_s, -- time watched, s
  is_looped, -- the video began again
  loop_count, -- finished loops
  from_content_id, -- content swiped away from
  to_content_id, -- content swiped to
  watch_time_on_from_s, -- time on the content left behind, s
  direction, -- of a swipe: next or previous, forward or backward
  share_platform, -- where it was shared to
  interaction_type, -- what was done with the player
  interaction_value, -- what it was set to, JSON
  total_session_time_s, -- length of the visit to the feed, s
  videos_watched, -- videos seen in it
  ads_watched, -- ads seen in it
  exit_method, -- how the feed was left
  rebuffer_duration_ms, -- length of the stall, ms
  network_type, -- wifi, cellular and so on
  from_quality, -- quality before
  to_quality, -- quality after
  change_reason, -- why it changed: bandwidth or buffer
  error_code, -- code of the platform
  error_message, -- readable message
  error_type, -- network, decode or player
  device_info, -- what the device or browser is, JSON
  available_at, -- when the vendor offered the unit, UTC
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM numbered
