-- A session whose length is negative, or is there without both its ends.
SELECT
  session_key,
  started_at,
  ended_at,
  length_s
FROM core.session
WHERE length_s < 0 OR (length_s IS NOT NULL AND (started_at IS NULL OR ended_at IS NULL))
