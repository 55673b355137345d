-- A gap in Data Stream: no window of any table of the app for over 6 hours, between windows that were loaded.
-- A hole in one table is no gap: the vendor writes no windows without rows. An app nobody uses for so long has gaps too.
-- grain: app, table and gap
-- key: application_id, table_name, from_at
-- kind: table
WITH windows AS (
  SELECT DISTINCT application_id, lower_at, upper_at
  FROM ops.appmetrica_unit
  WHERE source = 'appmetrica_stream'
),

ordered AS (
  SELECT
    application_id,
    lower_at,
    max(upper_at) OVER (
      PARTITION BY application_id ORDER BY lower_at, upper_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS last_window_at
  FROM windows
),

holes AS (
  SELECT
    o.application_id,
    o.last_window_at,
    hours_later(o.last_window_at, -r.margin_hours) AS from_at,
    o.lower_at AS until_at,
    lag(o.lower_at) OVER (PARTITION BY o.application_id ORDER BY o.lower_at) AS previous_until_at
  FROM ordered AS o
  CROSS JOIN ops.stream_rule AS r
  WHERE o.lower_at > hours_later(o.last_window_at, r.gap_hours)
),

cut_overs AS (
  SELECT application_id, table_name, min(lower_at) AS cut_over_at
  FROM ops.appmetrica_unit
  WHERE source = 'appmetrica_stream'
  GROUP BY application_id, table_name
),

gaps AS (
  SELECT
    c.application_id,
    c.table_name,
    greatest(h.from_at, c.cut_over_at, coalesce(h.previous_until_at, c.cut_over_at)) AS from_at,
    h.until_at,
    h.last_window_at
  FROM cut_overs AS c
  INNER JOIN holes AS h ON c.application_id = h.application_id AND c.cut_over_at < h.last_window_at
)

SELECT
  g.application_id, -- vendor's app id
  g.table_name, -- conformed table
  g.from_at, -- receive time from which rows may be missing, UTC: an hour before last_window_at
  g.until_at, -- start of the next window, UTC, exclusive
  g.last_window_at, -- end of the last window before the gap, UTC
  i.from_at IS NOT NULL AS is_healed, -- the Logs API was loaded, by receive time, for all of it, and is read instead
  t.logs_table -- resource to backfill from the Logs API; NULL where it has none
FROM gaps AS g
INNER JOIN ops.conformed_table AS t ON g.table_name = t.table_name
LEFT JOIN ops.logs_interval AS i
  ON g.application_id = i.application_id AND g.table_name = i.table_name
  AND g.from_at >= i.from_at AND g.until_at <= i.until_at
