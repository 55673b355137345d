-- Where Data Stream ended and the Logs API goes on: it was loaded to over 6 hours after the app's last window of any table.
-- While both run the stream is ahead and there is no row here; when windows come again it becomes a gap, see ops.stream_gap.
-- grain: app and table
-- key: application_id, table_name
-- kind: view
WITH ends AS (
  SELECT application_id, max(upper_at) AS last_window_at
  FROM ops.appmetrica_unit
  WHERE source = 'appmetrica_stream'
  GROUP BY application_id
),

loaded AS (
  SELECT
    application_id,
    table_name,
    min(CASE WHEN source = 'appmetrica_stream' THEN lower_at END) AS cut_over_at,
    max(CASE WHEN source = 'appmetrica_logs' THEN upper_at END) AS logs_until_at
  FROM ops.appmetrica_unit
  GROUP BY application_id, table_name
),

gaps AS (
  SELECT application_id, table_name, max(until_at) AS until_at
  FROM ops.stream_gap
  GROUP BY application_id, table_name
)

SELECT
  l.application_id, -- vendor's app id
  l.table_name, -- conformed table
  greatest(
    l.cut_over_at,
    coalesce(g.until_at, l.cut_over_at),
    CASE
      WHEN i.from_at IS NULL THEN e.last_window_at
      ELSE greatest(i.from_at, hours_later(e.last_window_at, -r.margin_hours))
    END
  ) AS from_at, -- receive time from which the Logs API is read, UTC: an hour before last_window_at, or as much of it as Logs has whole
  e.last_window_at, -- end of the last window, UTC
  l.logs_until_at -- end of what is loaded of the Logs API, UTC
FROM loaded AS l
INNER JOIN ends AS e ON l.application_id = e.application_id
CROSS JOIN ops.stream_rule AS r
LEFT JOIN gaps AS g ON l.application_id = g.application_id AND l.table_name = g.table_name
LEFT JOIN ops.logs_interval AS i
  ON l.application_id = i.application_id AND l.table_name = i.table_name
  AND e.last_window_at >= i.from_at AND e.last_window_at <= i.until_at
WHERE l.cut_over_at IS NOT NULL AND l.logs_until_at > hours_later(e.last_window_at, r.gap_hours)
