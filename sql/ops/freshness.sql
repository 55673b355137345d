-- How fresh every table of every app is.
-- grain: source, app, table
-- key: source, application_id, table_name
-- kind: view
WITH units AS (
  SELECT 'appmetrica_stream' AS source, *
  FROM stg.stg_appmetrica_stream__units
  UNION ALL
  SELECT 'appmetrica_logs', *
  FROM stg.stg_appmetrica_logs__units
  UNION ALL
  SELECT 'mytracker', *
  FROM stg.stg_mytracker__units
  UNION ALL
  SELECT 'shortkit', *
  FROM stg.stg_shortkit__units
)

SELECT
  source, -- dataset
  application_id, -- vendor's app id; NULL for an export of several apps of MyTracker
  table_name, -- raw table
  max(available_at) AS newest_available_at, -- newest offer of the vendor among what was loaded, UTC
  max(fetched_at) AS newest_fetched_at, -- last download, UTC
  max(upper_at) AS loaded_until_at, -- end of the newest unit loaded, on the vendor's axis, UTC
  seconds_between(max(available_at), current_timestamp) AS lag_s, -- now minus newest_available_at, s
  count(*) AS units, -- units loaded
  CAST(coalesce(sum(loaded_rows), 0) AS BIGINT) AS rows, -- rows loaded, by the ledger
  CAST(coalesce(sum(quarantined_rows), 0) AS BIGINT) AS quarantined_rows -- records that could not be read
FROM units
GROUP BY source, application_id, table_name
