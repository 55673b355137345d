-- Rows found in the raw tables, by unit.
-- grain: unit with rows
-- key: unit
-- kind: view
-- generated: from connector/sources/shortkit/fields.toml by `connector docs`
WITH counted AS (
  SELECT _unit, count(*) AS found FROM stg.stg_shortkit__events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_shortkit__quality GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_shortkit__ads GROUP BY _unit
)

SELECT
  _unit AS unit, -- unit of work
  CAST(sum(found) AS BIGINT) AS found_rows -- live rows of the unit, counted in raw
FROM counted
GROUP BY _unit
