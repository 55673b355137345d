-- Every unit's account: what the vendor declared against what stands in the raw tables.
-- grain: unit
-- key: source, unit
-- kind: view
-- audits: reconciliation
WITH units AS (
  SELECT 'appmetrica_stream' AS source, u.*, r.found_rows
  FROM stg.stg_appmetrica_stream__units AS u
  LEFT JOIN stg.stg_appmetrica_stream__row_counts AS r ON u.unit = r.unit
  UNION ALL
  SELECT 'appmetrica_logs', u.*, r.found_rows
  FROM stg.stg_appmetrica_logs__units AS u
  LEFT JOIN stg.stg_appmetrica_logs__row_counts AS r ON u.unit = r.unit
  UNION ALL
  SELECT 'mytracker', u.*, r.found_rows
  FROM stg.stg_mytracker__units AS u
  LEFT JOIN stg.stg_mytracker__row_counts AS r ON u.unit = r.unit
  UNION ALL
  SELECT 'shortkit', u.*, r.found_rows
  FROM stg.stg_shortkit__units AS u
  LEFT JOIN stg.stg_shortkit__row_counts AS r ON u.unit = r.unit
),

account AS (
  SELECT
    *,
    coalesce(declared_rows, file_rows, loaded_rows + quarantined_rows + coalesce(erased_rows, 0)) AS expected,
    coalesce(found_rows, 0) AS found,
    coalesce(quarantined_rows, 0) AS quarantined,
    coalesce(erased_rows, 0) AS erased
  FROM units
)

SELECT
  source, -- dataset
  unit, -- unit of work
  table_name, -- raw table
  application_id, -- vendor's app id; NULL for an export of several apps of MyTracker
  lower_at, -- start of the unit on its axis, UTC, inclusive
  upper_at, -- end, exclusive
  declared_rows, -- rows the vendor declared; NULL where it does not
  file_rows, -- records in the verified file
  expected AS expected_rows, -- declared_rows, or file_rows where none are declared
  found AS loaded_rows, -- live rows counted in the raw table
  loaded_rows AS ledger_rows, -- rows the ledger says were loaded
  quarantined AS quarantined_rows, -- records that could not be read
  erased AS erased_rows, -- rows dropped because their person was erased
  expected - found - quarantined - erased AS difference -- must be 0
FROM account
