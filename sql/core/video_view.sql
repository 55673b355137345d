-- One content watched once, from its impression to the swipe away; the content seen again in the session is another view.
-- It is on the day of its first row, over midnight too. The vendor does not say which errors are fatal: one after which nothing played counts.
-- grain: one view of a content in one feed session
-- key: view_key
-- kind: table
-- audits: not_null(app_key), relationship(app_key, core.app)
WITH views AS (
  SELECT
    app_key,
    feed_session_key,
    content_id,
    min(occurred_at) AS started_at,
    max(occurred_at) AS ended_at,
    first_known(session_id, occurred_at, event_key) AS session_id,
    first_known(device_key, occurred_at, event_key) AS device_key,
    first_known(user_key, occurred_at, event_key) AS user_key,
    first_known(device_type, occurred_at, event_key) AS device_type,
    first_known(country, occurred_at, event_key) AS country,
    first_known(CASE WHEN name = 'impression' THEN entry_point END, occurred_at, event_key) AS entry_point,
    count(CASE WHEN name = 'impression' THEN 1 END) AS impressions,
    any_true(first_frame_at IS NOT NULL) AS is_started,
    any_true(name = 'error' AND coalesce(last_played_at <= occurred_at, TRUE)) AS has_fatal_error,
    any_true(name = 'completion') AS is_completed,
    first_known(CASE WHEN name = 'playStart' THEN startup_time_ms END, occurred_at, event_key) AS startup_ms,
    max(CASE WHEN name = 'completion' THEN watch_time_s END) AS completed_watch_s,
    max(CASE WHEN name = 'swipe' THEN watch_time_on_from_s END) AS left_watch_s,
    max(CASE WHEN name = 'watchProgress' THEN playhead_s END) AS playhead_s,
    max(CASE WHEN name = 'watchProgress' THEN complete_percent END) AS percent_told,
    max(CASE WHEN name = 'completion' THEN loop_count END) AS loops_told,
    count(CASE WHEN name = 'completion' AND is_looped THEN 1 END) AS completions_looped,
    count(CASE WHEN name = 'rebuffer' AND occurred_at >= first_frame_at THEN 1 END) AS rebuffers,
    sum(CASE WHEN name = 'rebuffer' AND occurred_at >= first_frame_at THEN rebuffer_duration_ms END) AS rebuffer_ms
  FROM core.video_visit_row
  GROUP BY app_key, feed_session_key, content_id, visit
),

entries AS (
  SELECT app_key, session_id, first_known(entry_point, occurred_at, event_key) AS entry_point
  FROM core.video_event
  WHERE name = 'feedEntry' AND session_id IS NOT NULL
  GROUP BY app_key, session_id
)

SELECT
  hash_key(v.feed_session_key, v.content_id, CAST(v.started_at AS VARCHAR)) AS view_key, -- hash of session, content and start
  v.app_key, -- core.app
  v.device_key, -- the device; NULL where no row of the view names it
  v.user_key, -- person by the vendor's user id; NULL where nobody is logged in
  v.feed_session_key, -- the session; who watched, where none is known
  v.session_id, -- the vendor's viewing session; NULL where no row names it
  v.content_id, -- the vendor's content id
  v.started_at, -- its first row, UTC
  v.ended_at, -- its last row, UTC
  utc_day(v.started_at) AS day, -- day of started_at, UTC
  v.device_type, -- ios, android or web
  v.country, -- ISO 3166-1 code
  coalesce(v.entry_point, e.entry_point) AS entry_point, -- of the impression, else how the session's feed was entered first
  v.impressions, -- impression rows: 1; 0 where it is missing, more where it came again within its second
  v.is_started, -- a start, progress or completion: the first frame was there
  CAST(v.startup_ms AS BIGINT) AS startup_ms, -- time to first frame of its first start that tells it, ms
  v.impressions > 0 AND NOT v.is_started AND NOT v.has_fatal_error AS exit_before_start, -- seen and left without a first frame, and without an error
  v.has_fatal_error, -- an error after which nothing played
  coalesce(v.completed_watch_s, v.left_watch_s, v.playhead_s) AS watch_s, -- watchTime of its completion, else watchTimeOnFrom of the swipe that left it, else the greatest currentTime, s
  CASE WHEN v.is_completed THEN 100 ELSE v.percent_told END AS percent_max, -- greatest share reached, 0 to 100; 100 where completed
  v.is_completed, -- it reached its natural end once or oftener
  greatest(coalesce(v.loops_told, 0), v.completions_looped) AS loops, -- loopCount of its completions, or those that looped where they are more
  v.rebuffers, -- stalls after the first frame
  CAST(coalesce(v.rebuffer_ms, 0) AS BIGINT) AS rebuffer_ms -- their length together, ms; those before the first frame are part of the start
FROM views AS v
LEFT JOIN entries AS e ON v.app_key = e.app_key AND v.session_id = e.session_id
