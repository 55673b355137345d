-- Units of the Logs API's tables of current state that count: of whole snapshots the newest, of dated exports all.
-- grain: unit
-- kind: table
WITH ranked AS (
  SELECT
    unit,
    application_id,
    table_name,
    axis,
    upper_at,
    rank() OVER (PARTITION BY application_id, table_name, axis ORDER BY upper_at DESC NULLS LAST) AS age_rank
  FROM stg.stg_appmetrica_logs__units
  WHERE table_name IN ('push_tokens', 'profiles_v2')
)

SELECT
  unit, -- unit of work
  application_id, -- vendor's app id
  table_name, -- raw table
  upper_at AS taken_at -- time of the state, UTC
FROM ranked
WHERE age_rank = 1 OR axis <> 'snapshot'
