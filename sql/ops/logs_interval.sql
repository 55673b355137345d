-- An interval of receive time of which the Logs API was loaded without a hole; what was exported with filters does not count.
-- grain: app, table and uninterrupted interval
-- kind: view
WITH units AS (
  SELECT
    application_id,
    table_name,
    lower_at,
    upper_at,
    max(upper_at) OVER (
      PARTITION BY application_id, table_name ORDER BY lower_at, upper_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS loaded_until_at
  FROM ops.appmetrica_unit
  WHERE source = 'appmetrica_logs' AND axis = 'receive' AND NOT is_filtered
),

numbered AS (
  SELECT
    *,
    sum(CASE WHEN loaded_until_at >= lower_at THEN 0 ELSE 1 END) OVER (
      PARTITION BY application_id, table_name ORDER BY lower_at, upper_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stretch
  FROM units
)

SELECT
  application_id, -- vendor's app id
  table_name, -- conformed table
  min(lower_at) AS from_at, -- start, UTC, inclusive
  max(upper_at) AS until_at, -- end, UTC, exclusive
  count(*) AS units -- units it is made of
FROM numbered
GROUP BY application_id, table_name, stretch
