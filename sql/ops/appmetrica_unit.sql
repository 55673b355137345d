-- A live unit of either AppMetrica export, under the table name both have here.
-- grain: unit
-- kind: view
WITH units AS (
  SELECT
    'appmetrica_stream' AS source, u.application_id, t.table_name, 'window' AS axis, u.lower_at, u.upper_at,
    FALSE AS is_filtered
  FROM stg.stg_appmetrica_stream__units AS u
  INNER JOIN ops.conformed_table AS t ON u.table_name = t.stream_table
  UNION ALL
  SELECT
    'appmetrica_logs', u.application_id, t.table_name, u.axis, u.lower_at, u.upper_at,
    coalesce(u.schema_id LIKE '%filtered-%', FALSE)
  FROM stg.stg_appmetrica_logs__units AS u
  INNER JOIN ops.conformed_table AS t ON u.table_name = t.logs_table
)

SELECT
  source, -- dataset
  application_id, -- vendor's app id
  table_name, -- conformed table
  axis, -- what the bounds are of: window (processing time), receive, device, send or snapshot
  lower_at, -- start, UTC, inclusive
  upper_at, -- end, UTC, exclusive
  is_filtered -- exported with filters, so rows of its time may be missing
FROM units
