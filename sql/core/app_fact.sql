-- What counts towards an app's numbers of a day, one row a session, activity, install, crash, payment or ad revenue record.
-- grain: row of core.session, activity (of MyTracker), install, crash, payment or ad_revenue
-- kind: view
WITH facts AS (
  SELECT
    day, app_key, platform, app_version, country, device_key,
    CASE WHEN is_foreground THEN 'foreground' ELSE 'background' END AS fact,
    CAST(length_s AS DECIMAL(38, 9)) AS amount
  FROM core.session
  UNION ALL
  SELECT day, app_key, platform, app_version, country, device_key, kind, installs FROM core."install"
  UNION ALL
  SELECT day, app_key, platform, app_version, country, device_key, 'active', NULL
  FROM core.activity
  WHERE activity = 'any_activity'
  UNION ALL
  SELECT day, app_key, platform, app_version, country, device_key, 'crash', NULL FROM core.crash
  UNION ALL
  SELECT
    p.day, p.app_key, p.platform, p.app_version, p.country, p.device_key,
    CASE
      WHEN p.amount IS NOT NULL AND p.currency IS DISTINCT FROM c.revenue_currency THEN 'unconverted'
      WHEN p.is_verified IS NOT DISTINCT FROM FALSE THEN 'invalid'
      WHEN p.amount > 0 THEN 'paid'
      ELSE 'unpaid'
    END,
    p.amount
  FROM core.payment AS p
  LEFT JOIN core.app_currency AS c ON p.app_key = c.app_key
  WHERE counts_as_revenue(p.kind, p.source)
  UNION ALL
  SELECT
    r.day, r.app_key, r.platform, r.app_version, r.country, r.device_key,
    CASE WHEN r.amount IS NOT NULL AND r.currency IS DISTINCT FROM c.revenue_currency THEN 'unconverted' ELSE 'ad' END,
    r.amount
  FROM core.ad_revenue AS r
  LEFT JOIN core.app_currency AS c ON r.app_key = c.app_key
)

SELECT
  day, -- UTC; NULL for rows without a time
  app_key, -- core.app
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country, -- ISO 3166-1 code
  device_key, -- core.device
  fact, -- foreground, background (sessions); active (MyTracker: any activity); install, reinstall, reengagement; crash; paid, unpaid, invalid, ad, unconverted
  amount -- s of a session, installs, or money in the app's revenue currency (unconverted: in its own)
FROM facts
