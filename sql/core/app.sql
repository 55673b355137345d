-- An app as its vendor knows it; the seed app_map says which of them are one product.
-- MyTracker's are those its rows name; rows that name none, of an export of several apps, are of the app `unknown`.
-- ShortKit's is what the setting application_id calls it: the vendor names none.
-- grain: source app
-- key: app_key
-- kind: table
WITH seen AS (
  SELECT 'appmetrica' AS source, application_id AS source_app_id, CAST(NULL AS VARCHAR) AS title
  FROM stg.stg_appmetrica_stream__units
  UNION ALL
  SELECT 'appmetrica', application_id, NULL
  FROM stg.stg_appmetrica_logs__units
  UNION ALL
  SELECT 'mytracker', application_id, NULL
  FROM stg.stg_mytracker__units
  UNION ALL
  SELECT 'shortkit', application_id, NULL
  FROM stg.stg_shortkit__units
  UNION ALL
  SELECT 'mytracker', application_id, app_title
  FROM core.mytracker_device_day
),

apps AS (
  SELECT source, source_app_id, max(title) AS title
  FROM seen
  WHERE source_app_id IS NOT NULL
  GROUP BY source, source_app_id
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
  hash_key(a.source, a.source_app_id) AS app_key, -- hash of source and source_app_id
  a.source, -- vendor: appmetrica, mytracker or shortkit
  a.source_app_id, -- the vendor's app id; of ShortKit the setting application_id
  coalesce(m.name, a.title) AS name, -- name in app_map, else the vendor's title
  m.time_zone, -- IANA zone in app_map; days are UTC whatever it says
  coalesce(m.app_group, a.source || ':' || a.source_app_id) AS app_group, -- product the app belongs to
  m.revenue_currency -- report currency set in app_map, ISO 4217
FROM apps AS a
LEFT JOIN mapped AS m
  ON a.source = m.source AND a.source_app_id = m.source_app_id
