-- How the ads in ShortKit's feed do, by day, network and unit. Days are UTC, each row is on its own.
-- The network is that of the impressions of the ad, the unit the ad itself where the vendor tells no unit.
-- grain: day, app, network, unit
-- key: day, app_key, network, unit
-- kind: table
-- audits: relationship(app_key, core.app)
WITH named AS (
  SELECT
    a.day,
    a.app_key,
    coalesce(a.network, s.network, p.network, 'unknown') AS network,
    coalesce(a.unit_id, s.unit_id, p.unit_id, a.ad_id, 'unknown') AS unit,
    a.kind,
    a.is_completed
  FROM core.video_ad AS a
  LEFT JOIN core.video_ad_placement AS s ON a.app_key = s.app_key AND a.ad_id = s.ad_id AND a.session_id = s.session_id
  LEFT JOIN core.video_ad_placement AS p ON a.app_key = p.app_key AND a.ad_id = p.ad_id AND p.session_id = ''
  WHERE a.day IS NOT NULL
),

counted AS (
  SELECT
    day,
    app_key,
    network,
    unit,
    count(CASE WHEN kind = 'impression' THEN 1 END) AS impressions,
    count(CASE WHEN kind = 'end' AND is_completed THEN 1 END) AS completions,
    count(CASE WHEN kind = 'click' THEN 1 END) AS clicks
  FROM named
  WHERE kind IN ('impression', 'end', 'click')
  GROUP BY day, app_key, network, unit
),

shared AS (
  SELECT *, count(*) OVER (PARTITION BY day, app_key, unit) AS networks
  FROM counted
),

-- what a unit earned is that of its network, or of its only one: two networks rarely spell alike at two vendors
earned AS (
  SELECT
    d.day, d.app_key, d.network, d.unit, sum(r.revenue) AS revenue,
    min(r.revenue_currency) AS revenue_currency, max(r.revenue_currency) AS other_currency
  FROM shared AS d
  INNER JOIN core.app AS a ON d.app_key = a.app_key
  INNER JOIN core.video_ad_revenue AS r
    ON d.day = r.day AND a.app_group = r.app_group AND d.unit = r.unit_id
    AND (d.networks = 1 OR plain_name(d.network) = r.network)
  GROUP BY d.day, d.app_key, d.network, d.unit
)

SELECT
  d.day, -- UTC
  d.app_key, -- core.app
  d.network, -- ad network, or unknown
  d.unit, -- ad unit; the ad where no unit is told; or unknown
  d.impressions, -- ads shown
  d.completions, -- ads that played to their end
  d.clicks, -- clicks on them
  CASE WHEN d.impressions > 0 THEN d.completions / d.impressions END AS completion_rate, -- completions by impressions
  CASE WHEN d.impressions > 0 THEN d.clicks / d.impressions END AS ctr, -- clicks by impressions
  CASE WHEN e.revenue_currency = e.other_currency THEN CAST(e.revenue AS DECIMAL(38, 9)) END AS revenue, -- of core.ad_revenue, where a unit of the product has this name; else NULL
  CASE WHEN e.revenue_currency = e.other_currency THEN e.revenue_currency END AS revenue_currency -- ISO 4217
FROM counted AS d
LEFT JOIN earned AS e ON d.day = e.day AND d.app_key = e.app_key AND d.network = e.network AND d.unit = e.unit
