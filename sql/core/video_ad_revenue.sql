-- What the ad units of a product earned, as its other vendors tell it: what ShortKit's ads are compared with.
-- Of two vendors that measure one unit on one day AppMetrica counts. Only in the report currency of the app that was measured.
-- grain: day, product, unit, network
-- key: day, app_group, unit_id, network
-- kind: by_day
WITH earned AS (
  SELECT
    r.day,
    a.app_group,
    r.unit_id,
    CAST(coalesce(plain_name(r.network), '') AS VARCHAR) AS network,
    a.source,
    c.revenue_currency,
    r.amount,
    min(a.source) OVER (PARTITION BY r.day, a.app_group, r.unit_id) AS first_source
  FROM core.ad_revenue AS r
  INNER JOIN core.app AS a ON r.app_key = a.app_key
  INNER JOIN core.app_currency AS c ON r.app_key = c.app_key AND r.currency = c.revenue_currency
  WHERE r.day IS NOT NULL AND r.unit_id IS NOT NULL AND r.amount IS NOT NULL
)

SELECT
  day, -- UTC
  app_group, -- product, see core.app
  unit_id, -- ad unit
  network, -- ad network in lower case, without spaces and hyphens; empty where it is not told
  sum(amount) AS revenue, -- in revenue_currency
  min(revenue_currency) AS revenue_currency -- ISO 4217
FROM earned
WHERE source = first_source
GROUP BY day, app_group, unit_id, network
HAVING min(revenue_currency) = max(revenue_currency)
