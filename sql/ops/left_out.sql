-- Receive time for which an export's rows are left out because ops.coverage has the other one read.
-- Empty where an app has one export only; it changes only when what is read does, so models over it stay as they are.
-- grain: app, table, export left out and interval
-- kind: table
WITH compared AS (
  SELECT
    *,
    lag(source) OVER (PARTITION BY application_id, table_name ORDER BY from_at NULLS FIRST) AS previous_source,
    min(CASE WHEN reason = 'before_cut_over' THEN 0 ELSE 1 END) OVER (PARTITION BY application_id, table_name) AS is_alone
  FROM ops.coverage
),

read AS (
  SELECT
    application_id,
    table_name,
    source,
    from_at,
    lead(from_at) OVER (PARTITION BY application_id, table_name ORDER BY from_at NULLS FIRST) AS until_at
  FROM compared
  WHERE is_alone = 0 AND source IS DISTINCT FROM previous_source
)

SELECT
  application_id, -- vendor's app id
  table_name, -- conformed table
  CASE source WHEN 'appmetrica_logs' THEN 'appmetrica_stream' ELSE 'appmetrica_logs' END AS source, -- dataset left out
  from_at, -- start, UTC, inclusive; NULL: no bound
  until_at -- end, UTC, exclusive; NULL: no bound
FROM read
