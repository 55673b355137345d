-- A row of ShortKit's events or quality, under the columns of both.
-- grain: event or quality row
-- key: table_name, _unit, _row
-- kind: view
SELECT
  'events' AS table_name, -- raw table: events or quality
  application_id, -- vendor's app id
  name, -- event name
  content_id, -- content the row is about; of a swipe the one swiped to
  user_id, -- the vendor's id of the user, or of the device where nobody is logged in, or the word anonymous
  occurred_at, -- event time, UTC
  session_id, -- the vendor's viewing session; NULL from its first version
  device_type, -- ios, android or web
  device_id, -- the vendor's device id
  country_code, -- ISO 3166-1 code
  data, -- what is particular to the event, JSON; NULL where not valid
  data_text, -- the exact text of it
  current_time_s, -- playback position told by the row itself, s
  playhead_s, -- playback position told in `data`, s
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
  CAST(NULL AS BIGINT) AS rebuffer_duration_ms, -- length of the stall, ms
  CAST(NULL AS VARCHAR) AS network_type, -- wifi, cellular and so on
  CAST(NULL AS VARCHAR) AS from_quality, -- quality before
  CAST(NULL AS VARCHAR) AS to_quality, -- quality after
  CAST(NULL AS VARCHAR) AS change_reason, -- why it changed: bandwidth or buffer
  CAST(NULL AS VARCHAR) AS error_code, -- code of the platform
  CAST(NULL AS VARCHAR) AS error_message, -- readable message
  CAST(NULL AS VARCHAR) AS error_type, -- network, decode or player
  CAST(NULL AS JSON) AS device_info, -- what the device or browser is, JSON
  available_at, -- when the vendor offered the unit, UTC
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_shortkit__events
UNION ALL
SELECT
  'quality', application_id, name, content_id, user_id, occurred_at, session_id, device_type, device_id,
  country_code, data, data_text, current_time_s, playhead_s, rendition, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  rebuffer_duration_ms, network_type, from_quality, to_quality, change_reason, error_code, error_message,
  error_type, device_info, available_at, _unit, _row
FROM stg.stg_shortkit__quality
