-- Rows found in the raw tables, by unit.
-- grain: unit with rows
-- key: unit
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
WITH counted AS (
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__ad_revenue_events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__clicks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__crashes GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__deeplinks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__ecommerce_events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__errors GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__installations GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__postbacks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__profiles_v2 GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__push_tokens GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__revenue_events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_logs__sessions_starts GROUP BY _unit
)

SELECT
  _unit AS unit, -- unit of work
  CAST(sum(found) AS BIGINT) AS found_rows -- live rows of the unit, counted in raw
FROM counted
GROUP BY _unit
