-- The live units: the newest ledger row of each, among finished loads.
-- grain: unit
-- key: unit
-- kind: view
-- generated: from connector/sources/appmetrica_stream/fields.toml by `connector docs`
WITH finished AS (
  SELECT load_id FROM appmetrica_stream._dlt_loads WHERE status = 0
),

ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY unit ORDER BY _dlt_load_id DESC) AS age_rank
  FROM appmetrica_stream.units
  WHERE _dlt_load_id IN (SELECT load_id FROM finished)
)

SELECT
  unit, -- unit of work
  table_name, -- raw table the unit feeds
  application_id, -- vendor's app id
  axis, -- what lower_at and upper_at bound
  lower_at, -- start of the unit on its axis, UTC, inclusive
  upper_at, -- end of the unit on its axis, UTC, exclusive
  remote_id, -- vendor's id of the window or job
  declared_rows, -- rows the vendor declared
  file_rows, -- records in the verified file
  loaded_rows, -- rows loaded
  quarantined_rows, -- records that could not be read
  erased_rows, -- rows left out because their person was erased; NULL is none
  bytes, -- size of the file, bytes
  schema_id, -- vendor's id of the column set
  vendor_updated_at, -- last change by the vendor, UTC
  min_event_at, -- earliest event time in the unit, UTC
  max_event_at, -- latest event time in the unit, UTC
  event_days, -- days the unit's rows fall on, UTC, array of ISO dates
  attempts, -- downloads it took
  fetched_at, -- download time, UTC
  coalesce(vendor_updated_at, upper_at) AS available_at, -- when the vendor last offered the unit, UTC
  _dlt_load_id -- load that brought the row
FROM ranked
WHERE age_rank = 1
