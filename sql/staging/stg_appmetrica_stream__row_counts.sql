-- Rows found in the raw tables, by unit.
-- grain: unit with rows
-- key: unit
-- kind: view
-- generated: from connector/sources/appmetrica_stream/fields.toml by `connector docs`
WITH counted AS (
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__event GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__installation GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__session_start GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__session_end GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__push_token GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__crash GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__error GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__click GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__revenue GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__ecommerce GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__ad_revenue GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__attributed_event GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_appmetrica_stream__deeplink GROUP BY _unit
)

SELECT
  _unit AS unit, -- unit of work
  CAST(sum(found) AS BIGINT) AS found_rows -- live rows of the unit, counted in raw
FROM counted
GROUP BY _unit
