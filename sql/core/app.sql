-- An app as its vendor knows it; the seed app_map says which of them are one product.
-- grain: source app
-- key: app_key
-- kind: table
WITH seen AS (
  SELECT 'appmetrica' AS source, application_id AS source_app_id
  FROM stg.stg_appmetrica_stream__units
  WHERE application_id IS NOT NULL
  UNION
  SELECT 'appmetrica', application_id
  FROM stg.stg_appmetrica_logs__units
  WHERE application_id IS NOT NULL
),

-- a line written twice in the seed must not double an app
mapped AS (
  SELECT
    source,
    source_app_id,
    min(app_group) AS app_group,
    min(name) AS name,
    min(time_zone) AS time_zone,
    min(revenue_currency) AS revenue_currency
  FROM seed.app_map
  GROUP BY source, source_app_id
)

SELECT
  hash_key(s.source, s.source_app_id) AS app_key, -- hash of source and source_app_id
  s.source, -- vendor: appmetrica
  s.source_app_id, -- the vendor's app id
  m.name, -- name in app_map
  m.time_zone, -- IANA zone in app_map; days are UTC whatever it says
  coalesce(m.app_group, s.source || ':' || s.source_app_id) AS app_group, -- product the app belongs to
  m.revenue_currency -- report currency set in app_map, ISO 4217
FROM seen AS s
LEFT JOIN mapped AS m
  ON s.source = m.source AND s.source_app_id = m.source_app_id
