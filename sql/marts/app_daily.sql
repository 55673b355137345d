-- How an app is doing, by day: active users, new ones, sessions, crashes, revenue. Days are UTC.
-- An app that two vendors measure is here twice, as each of them sees it: never add over them.
-- grain: day, app, platform, version, country
-- key: day, app_key, platform, app_version, country
-- kind: by_day
-- audits: relationship(app_key, core.app)
WITH cells AS (
  SELECT
    day,
    app_key,
    coalesce(platform, 'unknown') AS platform,
    coalesce(app_version, 'unknown') AS app_version,
    coalesce(country, 'unknown') AS country,
    count(DISTINCT CASE WHEN fact IN ('foreground', 'active') THEN device_key END) AS active_devices,
    count(DISTINCT CASE WHEN fact = 'install' AND amount > 0 THEN device_key END) AS new_devices,
    CAST(coalesce(sum(CASE WHEN fact = 'install' THEN amount END), 0) AS BIGINT) AS installs,
    count(CASE WHEN fact IN ('foreground', 'background') THEN 1 END) AS sessions,
    count(CASE WHEN fact = 'foreground' THEN 1 END) AS foreground_sessions,
    CAST(coalesce(sum(CASE WHEN fact IN ('foreground', 'background') THEN amount END), 0) AS BIGINT) AS session_length_s,
    count(CASE WHEN fact IN ('foreground', 'background') THEN amount END) AS sessions_with_length,
    count(CASE WHEN fact = 'crash' THEN 1 END) AS crashes,
    count(DISTINCT CASE WHEN fact = 'crash' THEN device_key END) AS crashed_devices,
    coalesce(sum(CASE WHEN fact IN ('paid', 'unpaid') THEN amount END), 0) AS in_app_revenue,
    coalesce(sum(CASE WHEN fact = 'invalid' THEN amount END), 0) AS invalid_revenue,
    coalesce(sum(CASE WHEN fact = 'ad' THEN amount END), 0) AS ad_revenue,
    count(DISTINCT CASE WHEN fact = 'paid' THEN device_key END) AS payers,
    count(CASE WHEN fact = 'unconverted' THEN 1 END) AS unconverted_payments
  FROM core.app_fact
  WHERE day IS NOT NULL AND app_key IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5
)

SELECT
  d.day, -- UTC
  d.app_key, -- core.app
  d.platform, -- ios, android, windows or unknown
  d.app_version, -- developer's version text, or unknown
  d.country, -- ISO 3166-1 code, or unknown
  d.active_devices, -- devices active this day, by the vendor's definition as in mart.active_users; never add over rows
  d.new_devices, -- devices that installed the app this day for the first time: no reinstalls, nothing cancelled
  d.installs, -- new installs, revisions summed by sign; no reinstalls
  d.sessions, -- sessions that started this day
  d.foreground_sessions, -- of these in the foreground
  d.session_length_s, -- total length of the sessions that have one, s
  d.sessions_with_length, -- sessions that have a length
  d.crashes, -- fatal crashes
  d.crashed_devices, -- devices with a fatal crash
  CASE WHEN d.active_devices > 0 THEN greatest(1 - d.crashed_devices / d.active_devices, 0) END AS crash_free_users, -- share 0..1
  d.in_app_revenue, -- purchases verified or never sent for validation, in revenue_currency; of MyTracker only verified ones, as in its reports
  d.invalid_revenue, -- purchases that failed validation, in revenue_currency; of MyTracker also those it never checked: it does not tell them apart
  d.ad_revenue, -- in revenue_currency
  c.revenue_currency, -- ISO 4217; see core.app_currency
  d.payers, -- devices with a valid purchase above zero
  d.unconverted_payments, -- payments and ad revenue rows in another currency, in no sum here
  CASE WHEN d.active_devices > 0 THEN CAST((d.in_app_revenue + d.ad_revenue) / d.active_devices AS DECIMAL(38, 9)) END AS arpdau -- revenue by active device, in revenue_currency
FROM cells AS d
LEFT JOIN core.app_currency AS c ON d.app_key = c.app_key
