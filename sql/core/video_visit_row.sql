-- A row of core.video_play_row with the number of the visit to the content it belongs to.
-- A visit begins with an impression, with a start after a swipe away, and, where no session is known, after half an hour of silence.
-- grain: event or quality row
-- key: event_key
-- kind: view
WITH followed AS (
  SELECT
    *,
    lag(name) OVER (PARTITION BY feed_session_key, content_id ORDER BY occurred_at, turn, event_key) AS previous_name,
    lag(occurred_at) OVER (PARTITION BY feed_session_key, content_id ORDER BY occurred_at, turn, event_key) AS previous_at
  FROM core.video_play_row
),

numbered AS (
  SELECT
    *,
    sum(CASE
      WHEN previous_at IS NULL THEN 1
      WHEN name = 'impression' AND (previous_name <> 'impression' OR previous_at < occurred_at) THEN 1
      WHEN name = 'playStart' AND previous_name = 'swipe' THEN 1
      WHEN NOT has_session AND seconds_between(previous_at, occurred_at) > 1800 THEN 1
      ELSE 0
    END) OVER (
      PARTITION BY feed_session_key, content_id ORDER BY occurred_at, turn, event_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS visit,
    CASE WHEN name IN ('playStart', 'watchProgress', 'completion') THEN occurred_at END AS played_at
  FROM followed
)

SELECT
  event_key, -- core.video_event
  app_key, -- core.app
  feed_session_key, -- the session, or who stands for it
  session_id, -- the vendor's session, of the row or lent to it
  content_id, -- content that was watched
  CAST(visit AS BIGINT) AS visit, -- number of the visit to the content in the session, 1-based
  min(played_at) OVER (PARTITION BY feed_session_key, content_id, visit) AS first_frame_at, -- first sign in the visit that a picture was there, UTC; NULL: none
  max(played_at) OVER (PARTITION BY feed_session_key, content_id, visit) AS last_played_at, -- last such sign, UTC
  name, -- event name
  occurred_at, -- event time, UTC
  device_key, -- the device
  user_key, -- person by the vendor's user id
  device_type, -- ios, android or web
  country, -- ISO 3166-1 code
  entry_point, -- of an impression
  startup_time_ms, -- of a start, ms
  playhead_s, -- of progress, s
  complete_percent, -- of progress, 0 to 100
  watch_time_s, -- of a completion, s
  is_looped, -- of a completion
  loop_count, -- of a completion
  watch_time_on_from_s, -- of a swipe, s
  rebuffer_duration_ms -- of a stall, ms
FROM numbered
