-- Of an ad in ShortKit's feed, its network and unit: other rows than its impressions do not tell them.
-- grain: app, ad and session in which it was shown; and app and ad
-- key: app_key, ad_id, session_id
-- kind: table
WITH shown AS (
  SELECT app_key, ad_id, coalesce(session_id, '') AS session_id, network, unit_id
  FROM core.video_ad
  WHERE kind = 'impression' AND ad_id IS NOT NULL
  UNION ALL
  SELECT app_key, ad_id, '', network, unit_id
  FROM core.video_ad
  WHERE kind = 'impression' AND ad_id IS NOT NULL AND session_id IS NOT NULL
)

SELECT
  app_key, -- core.app
  ad_id, -- the ad
  session_id, -- session it was shown in; empty: in any
  CASE WHEN min(network) = max(network) THEN min(network) END AS network, -- ad network; NULL where there are several, or none is told
  CASE WHEN min(unit_id) = max(unit_id) THEN min(unit_id) END AS unit_id -- ad unit, the same way
FROM shown
GROUP BY app_key, ad_id, session_id
