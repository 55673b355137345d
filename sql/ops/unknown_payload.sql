-- A key within ShortKit's `data` that no column of staging takes: the vendor spells something anew, or tells something new.
-- Nothing is lost: it stands in `data`. Counted when it is asked for.
-- grain: raw table, event and key
-- key: table_name, name, payload_key
-- kind: view
WITH keys AS (
  SELECT 'events' AS table_name, name, occurred_at, each_key(data) AS payload_key
  FROM stg.stg_shortkit__events
  UNION ALL
  SELECT 'quality', name, occurred_at, each_key(data)
  FROM stg.stg_shortkit__quality
  UNION ALL
  SELECT 'ads', name, occurred_at, each_key(data)
  FROM stg.stg_shortkit__ads
)

SELECT
  k.table_name, -- raw table
  k.name, -- event; NULL where the row names none
  k.payload_key, -- key within `data`
  count(*) AS rows, -- rows that have it
  min(k.occurred_at) AS first_seen_at, -- first event with it, UTC
  max(k.occurred_at) AS last_seen_at -- last event with it, UTC
FROM keys AS k
LEFT JOIN stg.stg_shortkit__payloads AS p
  ON k.table_name = p.table_name AND k.name = p.name AND k.payload_key = p.payload_key
WHERE p.payload_key IS NULL
GROUP BY k.table_name, k.name, k.payload_key
