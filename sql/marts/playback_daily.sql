-- How a content plays, by day and kind of device: views, startup, exits, stalls, failures, completion. Days are UTC, that of a view is the day it began.
-- An attempt is an impression; ratios are of sums. A stall before the first frame is part of the start and in no rebuffer number.
-- grain: day, content, device type
-- key: day, content_id, device_type
-- kind: by_day
WITH cells AS (
  SELECT
    day,
    content_id,
    coalesce(device_type, 'unknown') AS device_type,
    sum(impressions) AS impressions,
    count(CASE WHEN is_started THEN 1 END) AS starts,
    count(CASE WHEN exit_before_start THEN 1 END) AS exits_before_start,
    exact_quantile(startup_ms, 0.5) AS startup_p50_ms,
    exact_quantile(startup_ms, 0.75) AS startup_p75_ms,
    exact_quantile(startup_ms, 0.95) AS startup_p95_ms,
    CAST(coalesce(sum(as_exact(watch_s)), 0) AS DOUBLE) AS playing_s,
    sum(rebuffers) AS rebuffers,
    CAST(sum(rebuffer_ms) AS DOUBLE) / 1000 AS rebuffer_s,
    count(CASE WHEN has_fatal_error AND NOT is_started THEN 1 END) AS failures_before_start,
    count(CASE WHEN has_fatal_error AND is_started THEN 1 END) AS failures_mid_stream,
    count(CASE WHEN is_completed THEN 1 END) AS completions,
    sum(loops) AS loops
  FROM core.video_view
  GROUP BY 1, 2, 3
)

SELECT
  day, -- day the views began, UTC
  content_id, -- the vendor's content id
  device_type, -- ios, android, web or unknown
  CAST(impressions AS BIGINT) AS impressions, -- times the content came into view: attempts to play it
  starts, -- views with a first frame
  exits_before_start, -- impressions left without a first frame and without an error
  CAST(startup_p50_ms AS DOUBLE) AS startup_p50_ms, -- median time to first frame, ms; starts that never happened are not in it
  CAST(startup_p75_ms AS DOUBLE) AS startup_p75_ms, -- its third quartile, ms
  CAST(startup_p95_ms AS DOUBLE) AS startup_p95_ms, -- its 95th percentile, ms
  playing_s, -- playing time of the views, s; see core.video_view.watch_s
  CAST(rebuffers AS BIGINT) AS rebuffers, -- stalls after the first frame
  rebuffer_s, -- their length, s
  CASE WHEN playing_s + rebuffer_s > 0 THEN rebuffer_s / (playing_s + rebuffer_s) END AS rebuffer_ratio, -- rebuffer_s by playing_s and rebuffer_s together, 0..1
  failures_before_start, -- views that failed without a first frame
  failures_mid_stream, -- views that failed after it
  completions, -- views that reached the natural end, each once however often it looped
  CASE WHEN starts > 0 THEN completions / starts END AS completion_rate, -- completions by starts, 0..1
  CAST(loops AS BIGINT) AS loops -- times a video began again, apart from completions
FROM cells
