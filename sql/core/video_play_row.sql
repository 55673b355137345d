-- A row of core.video_event that tells of one content being watched: the swipe away from it belongs to it, likes and shares do not.
-- A row without a session has the one in which its viewer last saw that content, up to half an hour before; else the viewer stands for the session.
-- grain: event or quality row
-- key: event_key
-- kind: view
WITH played AS (
  SELECT
    *,
    CASE name WHEN 'swipe' THEN from_content_id ELSE content_id END AS viewed_content_id,
    CASE name
      WHEN 'impression' THEN 0
      WHEN 'playStart' THEN 1
      WHEN 'completion' THEN 3
      WHEN 'swipe' THEN 4
      ELSE 2
    END AS turn
  FROM core.video_event
  WHERE name IN ('impression', 'playStart', 'watchProgress', 'rebuffer', 'error', 'completion', 'swipe')
    AND occurred_at IS NOT NULL
),

counted AS (
  SELECT
    *,
    count(session_id) OVER (
      PARTITION BY app_key, viewer_key, viewed_content_id
      ORDER BY occurred_at, CASE WHEN session_id IS NULL THEN 1 ELSE 0 END, turn, event_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS sessions_seen
  FROM played
  WHERE viewed_content_id IS NOT NULL
),

lent AS (
  SELECT
    *,
    max(session_id) OVER (PARTITION BY app_key, viewer_key, viewed_content_id, sessions_seen) AS last_session_id,
    max(CASE WHEN session_id IS NOT NULL THEN occurred_at END) OVER (
      PARTITION BY app_key, viewer_key, viewed_content_id, sessions_seen
    ) AS last_session_at
  FROM counted
),

known AS (
  SELECT
    *,
    coalesce(
      session_id,
      CASE WHEN viewer_key IS NOT NULL AND seconds_between(last_session_at, occurred_at) <= 1800 THEN last_session_id END
    ) AS feed_session_id
  FROM lent
)

SELECT
  event_key, -- core.video_event
  app_key, -- core.app
  coalesce(
    hash_key('session', app_key, feed_session_id), hash_key('viewer', app_key, viewer_key), hash_key('nobody', app_key)
  ) AS feed_session_key, -- the vendor's session, else the viewer, else all of whom nothing is known
  feed_session_id IS NOT NULL AS has_session, -- FALSE where the viewer stands for the session
  feed_session_id AS session_id, -- the vendor's session, of the row or lent to it
  viewed_content_id AS content_id, -- content that was watched
  name, -- event name
  turn, -- order of the rows of one second: impression, start, what happens, end, swipe away
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
FROM known
