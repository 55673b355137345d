-- Which AppMetrica export is read for which receive time of an app's table; rows without one go by the time they occurred.
-- The intervals of a table follow each other without a hole. A row with no time at all belongs to the last one.
-- grain: app, table and interval of receive time
-- kind: table
-- audits: unique(application_id, table_name, from_at)
WITH loaded AS (
  SELECT
    application_id,
    table_name,
    any_true(source = 'appmetrica_stream') AS has_stream,
    any_true(source = 'appmetrica_logs') AS has_logs,
    min(CASE WHEN source = 'appmetrica_stream' THEN lower_at END) AS stream_from_at,
    max(CASE WHEN source = 'appmetrica_stream' THEN upper_at END) AS stream_until_at,
    min(CASE WHEN source = 'appmetrica_logs' THEN lower_at END) AS logs_from_at,
    max(CASE WHEN source = 'appmetrica_logs' THEN upper_at END) AS logs_until_at
  FROM ops.appmetrica_unit
  GROUP BY application_id, table_name
),

-- where the source or the reason changes; of two changes at one moment the one of the higher turn counts
starts AS (
  SELECT
    application_id, table_name, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS from_at, 0 AS turn,
    CASE WHEN has_logs THEN 'appmetrica_logs' ELSE 'appmetrica_stream' END AS source,
    CASE WHEN has_logs AND has_stream THEN 'before_cut_over' ELSE 'only_source' END AS reason
  FROM loaded
  UNION ALL
  SELECT application_id, table_name, stream_from_at, 0, 'appmetrica_stream', 'after_cut_over'
  FROM loaded
  WHERE has_stream AND has_logs
  UNION ALL
  SELECT
    application_id, table_name, from_at, 1,
    CASE WHEN is_healed THEN 'appmetrica_logs' ELSE 'appmetrica_stream' END,
    CASE WHEN is_healed THEN 'gap_healed' ELSE 'gap_open' END
  FROM ops.stream_gap
  UNION ALL
  SELECT
    g.application_id, g.table_name, g.until_at, 0, 'appmetrica_stream',
    CASE WHEN l.has_logs THEN 'after_cut_over' ELSE 'only_source' END
  FROM ops.stream_gap AS g
  INNER JOIN loaded AS l ON g.application_id = l.application_id AND g.table_name = l.table_name
  UNION ALL
  SELECT application_id, table_name, from_at, 2, 'appmetrica_logs', 'stream_ended'
  FROM ops.stream_end
),

intervals AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY application_id, table_name ORDER BY from_at NULLS FIRST, turn) AS place,
    lead(from_at) OVER (PARTITION BY application_id, table_name ORDER BY from_at NULLS FIRST, turn) AS until_at
  FROM starts
)

SELECT
  hash_key('appmetrica', i.application_id) AS app_key, -- core.app
  i.application_id, -- vendor's app id
  i.table_name, -- conformed table, see ops.conformed_table
  i.source, -- dataset that is read: appmetrica_stream or appmetrica_logs
  i.from_at, -- start of the interval of receive time, UTC, inclusive; NULL: no bound
  i.until_at, -- its end, UTC, exclusive; NULL: no bound
  i.reason, -- only_source, before_cut_over, after_cut_over, gap_healed (Logs has it whole), gap_open or stream_ended (Logs goes on)
  CASE i.source WHEN 'appmetrica_logs' THEN l.logs_from_at ELSE l.stream_from_at END AS loaded_from_at, -- start of what is loaded of the source, UTC
  CASE i.source WHEN 'appmetrica_logs' THEN l.logs_until_at ELSE l.stream_until_at END AS loaded_until_at -- end of it, UTC
FROM intervals AS i
INNER JOIN loaded AS l ON i.application_id = l.application_id AND i.table_name = l.table_name
WHERE i.until_at IS NULL OR i.from_at IS NULL OR i.from_at < i.until_at
