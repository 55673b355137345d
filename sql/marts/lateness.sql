-- How late rows come, in hours from device clock to receipt (of MyTracker, to storage): which lookback is enough.
-- ShortKit is not in it: it tells no time of receipt, so nothing but exporting a day again shows what came late.
-- grain: source, table, hours
-- key: source, table_name, hours_late
-- kind: view
WITH seen AS (
  SELECT source, 'event' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.event
  UNION ALL
  SELECT source, 'session_start' AS table_name, seconds_between(started_at, received_at) AS lateness_s FROM core.session
  UNION ALL
  SELECT source, 'installation' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core."install"
  UNION ALL
  SELECT source, 'payment' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.payment
  UNION ALL
  SELECT source, 'ad_revenue' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.ad_revenue
  UNION ALL
  SELECT source, 'crash' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.crash
  UNION ALL
  SELECT source, 'error' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.error
  UNION ALL
  SELECT source, 'deeplink' AS table_name, seconds_between(occurred_at, received_at) AS lateness_s FROM core.deeplink
  UNION ALL
  SELECT source, 'postback' AS table_name, lateness_s FROM core.postback
),

-- a clock that runs ahead is not early data: it counts as 0 hours
hours AS (
  SELECT source, table_name, CAST(greatest(floor(lateness_s / 3600), 0) AS BIGINT) AS hours_late
  FROM seen
  WHERE lateness_s IS NOT NULL
),

counted AS (
  SELECT source, table_name, hours_late, count(*) AS rows_late
  FROM hours
  GROUP BY source, table_name, hours_late
)

SELECT
  source, -- dataset
  table_name, -- what the rows are
  hours_late, -- whole hours, 0 is under one
  rows_late AS rows, -- rows that came so late
  CAST(sum(rows_late) OVER (PARTITION BY source, table_name ORDER BY hours_late) AS DOUBLE)
  / sum(rows_late) OVER (PARTITION BY source, table_name) AS cumulative_share -- share that came so late or sooner, 0..1
FROM counted
