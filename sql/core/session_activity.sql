-- What happened in a session on one day.
-- grain: session and day
-- kind: by_day
WITH facts AS (
  SELECT session_key, day, 'event' AS fact, CAST(NULL AS DECIMAL(38, 9)) AS amount
  FROM core.event
  UNION ALL
  SELECT session_key, day, 'crash', NULL FROM core.crash
  UNION ALL
  SELECT session_key, day, 'error', NULL FROM core.error
  UNION ALL
  SELECT p.session_key, p.day, 'payment', p.amount
  FROM core.payment AS p
  INNER JOIN core.app_currency AS c ON p.app_key = c.app_key AND p.currency = c.revenue_currency
  WHERE counts_as_revenue(p.kind, p.source) AND coalesce(p.is_verified, TRUE)
)

SELECT
  session_key, -- core.session
  day, -- day of the rows' occurred_at, UTC; NULL for rows without a time
  count(CASE WHEN fact = 'event' THEN 1 END) AS events, -- core.event rows
  count(CASE WHEN fact = 'crash' THEN 1 END) AS crashes, -- core.crash rows
  count(CASE WHEN fact = 'error' THEN 1 END) AS errors, -- core.error rows
  coalesce(sum(amount), 0) AS revenue -- valid purchases in the app's revenue currency
FROM facts
WHERE session_key IS NOT NULL
GROUP BY session_key, day
