-- A unit whose ledger does not add up. Rows are counted anew in ops.reconciliation; this reads the ledger only.
SELECT
  unit,
  declared_rows,
  file_rows,
  loaded_rows,
  quarantined_rows,
  erased_rows
FROM stg.stg_appmetrica_stream__units
WHERE coalesce(declared_rows, file_rows) <> loaded_rows + coalesce(quarantined_rows, 0) + coalesce(erased_rows, 0)
UNION ALL
SELECT
  unit,
  declared_rows,
  file_rows,
  loaded_rows,
  quarantined_rows,
  erased_rows
FROM stg.stg_appmetrica_logs__units
WHERE coalesce(declared_rows, file_rows) <> loaded_rows + coalesce(quarantined_rows, 0) + coalesce(erased_rows, 0)
UNION ALL
SELECT
  unit,
  declared_rows,
  file_rows,
  loaded_rows,
  quarantined_rows,
  erased_rows
FROM stg.stg_mytracker__units
WHERE coalesce(declared_rows, file_rows) <> loaded_rows + coalesce(quarantined_rows, 0) + coalesce(erased_rows, 0)
UNION ALL
SELECT
  unit,
  declared_rows,
  file_rows,
  loaded_rows,
  quarantined_rows,
  erased_rows
FROM stg.stg_shortkit__units
WHERE coalesce(declared_rows, file_rows) <> loaded_rows + coalesce(quarantined_rows, 0) + coalesce(erased_rows, 0)
