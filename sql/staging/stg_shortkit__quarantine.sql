-- Cells and records of live units that did not fit.
-- grain: cell or record
-- kind: view
-- generated: from connector/sources/shortkit/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  q.unit, -- unit of work
  q._row, -- ordinal of the row in its unit, 0-based
  q.table_name, -- raw table the unit feeds
  q.kind, -- cell or row
  q.file_line, -- line in the file, 1-based
  q.byte_offset, -- offset in the file, bytes
  q.field_name, -- vendor's field
  q.value, -- the cell as it came
  q.raw, -- the record as it came, bytes escaped
  q.reason, -- why it does not fit
  q.quarantined_at, -- time of loading, UTC
  q._dlt_load_id -- load that brought the row
FROM shortkit.quarantine AS q
INNER JOIN stg.stg_shortkit__units AS u
  ON q.unit = u.unit AND q._dlt_load_id = u._dlt_load_id
