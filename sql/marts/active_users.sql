-- Devices active on a day and in the 7, 28 and 30 days that end with it. Days are UTC.
-- What makes a device active differs by vendor (`activity`): never add over apps of different vendors.
-- grain: day and app
-- key: day, app_key
-- kind: table
-- audits: relationship(app_key, core.app)
WITH device_days AS (
  SELECT DISTINCT activity, app_key, device_key, day
  FROM core.activity
  WHERE device_key IS NOT NULL AND day IS NOT NULL
),

-- a device active on day d counts in windows that end on d .. d + days - 1, or until it is active again
returns AS (
  SELECT app_key, day, lead(day) OVER (PARTITION BY app_key, device_key ORDER BY day) AS next_day
  FROM device_days
),

lengths AS (
  SELECT length FROM (VALUES (1), (7), (28), (30)) AS l(length)
),

spans AS (
  SELECT app_key, min(activity) AS activity, min(day) AS first_day, max(day) AS last_day FROM device_days GROUP BY app_key
),

calendar AS (
  SELECT app_key, each_day(first_day, last_day) AS day FROM spans
),

-- after it, days come from clocks that run ahead
received AS (
  SELECT app_key, max(utc_day(received_at)) AS last_day
  FROM (SELECT app_key, received_at FROM core.session UNION ALL SELECT app_key, received_at FROM core.activity) AS r
  GROUP BY app_key
),

steps AS (
  SELECT r.app_key, r.day, l.length, 1 AS step FROM returns AS r CROSS JOIN lengths AS l
  UNION ALL
  SELECT r.app_key, least(date_add_days(r.day, l.length), coalesce(r.next_day, date_add_days(r.day, l.length))), l.length, -1
  FROM returns AS r CROSS JOIN lengths AS l
  UNION ALL
  SELECT c.app_key, c.day, l.length, 0 FROM calendar AS c CROSS JOIN lengths AS l
),

summed AS (
  SELECT app_key, length, day, sum(step) AS step FROM steps GROUP BY app_key, length, day
),

counted AS (
  SELECT app_key, length, day, sum(step) OVER (PARTITION BY app_key, length ORDER BY day) AS devices
  FROM summed
),

daily AS (
  SELECT
    day,
    app_key,
    CAST(sum(CASE WHEN length = 1 THEN devices END) AS BIGINT) AS dau,
    CAST(sum(CASE WHEN length = 7 THEN devices END) AS BIGINT) AS wau,
    CAST(sum(CASE WHEN length = 28 THEN devices END) AS BIGINT) AS mau_28,
    CAST(sum(CASE WHEN length = 30 THEN devices END) AS BIGINT) AS mau_30
  FROM counted
  GROUP BY day, app_key
)

SELECT
  d.day, -- UTC
  d.app_key, -- core.app
  s.activity, -- what makes a device active: foreground_session (AppMetrica) or any_activity (MyTracker), see core.activity
  d.dau, -- devices active this day
  d.wau, -- ... in the 7 days that end with it
  d.mau_28, -- ... in 28 days
  d.mau_30, -- ... in 30 days
  CAST(d.dau AS DOUBLE) / d.mau_30 AS stickiness -- dau / mau_30, 0..1
FROM daily AS d
INNER JOIN received AS r ON d.app_key = r.app_key
INNER JOIN spans AS s ON d.app_key = s.app_key
WHERE d.dau > 0 OR (d.mau_30 > 0 AND d.day <= coalesce(r.last_day, s.last_day))
