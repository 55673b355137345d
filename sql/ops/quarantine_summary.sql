-- What did not fit, by table, field and reason.
-- grain: source, app, table, kind, field, reason
-- kind: view
WITH quarantine AS (
  SELECT 'appmetrica_stream' AS source, *
  FROM stg.stg_appmetrica_stream__quarantine
  UNION ALL
  SELECT 'appmetrica_logs', *
  FROM stg.stg_appmetrica_logs__quarantine
  UNION ALL
  SELECT 'mytracker', *
  FROM stg.stg_mytracker__quarantine
  UNION ALL
  SELECT 'shortkit', *
  FROM stg.stg_shortkit__quarantine
)

SELECT
  source, -- dataset
  application_id, -- vendor's app id; NULL for an export of several apps of MyTracker
  table_name, -- raw table
  kind, -- cell: the row loaded without it; row: the record could not be read
  field_name, -- vendor's field; NULL for a record
  reason, -- why it does not fit
  count(*) AS entries, -- cells or records
  count(DISTINCT unit) AS units, -- units they are in
  min(value) AS example, -- one of the values
  max(quarantined_at) AS newest_at -- last one, UTC
FROM quarantine
GROUP BY source, application_id, table_name, kind, field_name, reason
