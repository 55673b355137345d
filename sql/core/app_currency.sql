-- The one currency an app's revenue is reported in: app_map's, else that of most purchases, else of most ad revenue.
-- grain: app with revenue
-- key: app_key
-- kind: table
WITH amounts AS (
  SELECT app_key, currency, 0 AS preference FROM core.payment
  WHERE currency IS NOT NULL AND amount IS NOT NULL AND counts_as_revenue(kind, source)
  UNION ALL
  SELECT app_key, currency, 1 FROM core.ad_revenue
  WHERE currency IS NOT NULL AND amount IS NOT NULL
),

counted AS (
  SELECT app_key, currency, preference, count(*) AS uses
  FROM amounts
  GROUP BY app_key, currency, preference
),

ranked AS (
  SELECT
    app_key,
    currency,
    row_number() OVER (PARTITION BY app_key ORDER BY preference, uses DESC, currency) AS currency_rank
  FROM counted
)

SELECT
  r.app_key, -- core.app
  coalesce(upper(a.revenue_currency), r.currency) AS revenue_currency -- ISO 4217
FROM ranked AS r
LEFT JOIN core.app AS a ON r.app_key = a.app_key
WHERE r.currency_rank = 1
