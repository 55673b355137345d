-- A session as the vendor cut it: its start, its end (often days later), what happened in it.
-- The Logs API and MyTracker give no session type: every session of theirs counts as foreground.
-- grain: vendor session
-- key: session_key
-- kind: table
-- audits: not_null(app_key), relationship(app_key, core.app), session_length
WITH ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY session_key ORDER BY edge, started_at NULLS LAST, received_at NULLS LAST, _unit, _row
    ) AS edge_rank,
    min(started_at) OVER (PARTITION BY session_key) AS first_at,
    max(ended_at) OVER (PARTITION BY session_key) AS last_at
  FROM core.session_edge
),

activity AS (
  SELECT
    session_key,
    sum(events) AS events,
    sum(crashes) AS crashes,
    sum(errors) AS errors,
    sum(revenue) AS revenue
  FROM core.session_activity
  GROUP BY session_key
)

SELECT
  s.session_key, -- hash of app, installation, device and session id; of the row where one is missing
  s.source, -- dataset its start came by
  s.app_key, -- core.app
  s.device_key, -- core.device
  s.user_key, -- person by the user id the app set
  s.session_id, -- the vendor's number; unique with installation and device only; NULL from MyTracker
  s.first_at AS started_at, -- device clock, UTC; NULL where only the end came
  s.last_at AS ended_at, -- device clock, UTC; NULL while the end is not known, and from the Logs API, which has no ends
  CASE WHEN s.last_at >= s.first_at THEN seconds_between(s.first_at, s.last_at) END AS length_s, -- s; NULL where undefined: no end, an end before the start, MyTracker's -1
  utc_day(s.first_at) AS day, -- day of started_at, UTC: a session over midnight stays whole
  s.session_type = 'foreground' AS is_foreground, -- NULL where Data Stream does not say; TRUE from the Logs API and MyTracker, which never do
  CAST(coalesce(a.events, 0) AS BIGINT) AS events, -- core.event rows; 0 from MyTracker, which does not say whose they are
  CAST(coalesce(a.crashes, 0) AS BIGINT) AS crashes, -- core.crash rows
  CAST(coalesce(a.errors, 0) AS BIGINT) AS errors, -- core.error rows
  CAST(coalesce(a.revenue, 0) AS DECIMAL(38, 9)) AS revenue, -- valid purchases in the app's revenue currency
  s.platform, -- ios, android or windows
  s.app_version, -- developer's version text
  s.country, -- ISO 3166-1 code
  s.received_at -- receipt of the start, UTC
FROM ranked AS s
LEFT JOIN activity AS a ON s.session_key = a.session_key
WHERE s.edge_rank = 1
