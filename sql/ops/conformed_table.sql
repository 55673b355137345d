-- What the two AppMetrica exports call the same rows.
-- grain: conformed table
-- key: table_name
-- kind: view
WITH pairs AS (
  SELECT table_name, stream_table, logs_table
  FROM (
    VALUES
      ('ad_revenue', 'ad_revenue', 'ad_revenue_events'),
      ('attributed_event', 'attributed_event', NULL),
      ('click', 'click', 'clicks'),
      ('crash', 'crash', 'crashes'),
      ('deeplink', 'deeplink', 'deeplinks'),
      ('ecommerce', 'ecommerce', 'ecommerce_events'),
      ('error', 'error', 'errors'),
      ('event', 'event', 'events'),
      ('install', 'installation', 'installations'),
      ('postback', NULL, 'postbacks'),
      ('profile', NULL, 'profiles_v2'),
      ('push_token', 'push_token', 'push_tokens'),
      ('revenue', 'revenue', 'revenue_events'),
      ('session_end', 'session_end', NULL),
      ('session_start', 'session_start', 'sessions_starts')
  ) AS p(table_name, stream_table, logs_table)
)

SELECT
  table_name, -- name both have here
  stream_table, -- data type of Data Stream; NULL where it has none
  logs_table -- resource of the Logs API; NULL where it has none
FROM pairs
