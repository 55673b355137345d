-- The same install as AppMetrica and MyTracker see it: of one device, bridged by an advertising id, the first install on either side.
-- For app groups of the seed app_map with apps of both. Partners are compared by name, in lower case without spaces, hyphens, dots and underscores.
-- An install without any advertising id is not here: ops.unbridgeable counts those.
-- grain: app group and device, known by the strongest id both sides have of it, else by the strongest of the one side
-- key: device_bridge_key
-- kind: table
-- audits: unique(device_bridge_key), not_null(verdict)
WITH pairs AS (
  SELECT
    a.app_group, a.id_kind, a.ad_id, a.install_key AS appmetrica_key, m.install_key AS mytracker_key,
    a.occurred_at AS appmetrica_at, m.occurred_at AS mytracker_at, a.channel AS appmetrica_channel, m.channel AS mytracker_channel,
    row_number() OVER (PARTITION BY a.install_key ORDER BY a.preference, m.occurred_at NULLS LAST, m.install_key) AS mytracker_rank,
    row_number() OVER (PARTITION BY m.install_key ORDER BY a.preference, a.occurred_at NULLS LAST, a.install_key) AS appmetrica_rank
  FROM core.install_ad_id AS a
  INNER JOIN core.install_ad_id AS m ON a.app_group = m.app_group AND a.id_kind = m.id_kind AND a.ad_id = m.ad_id
  WHERE a.vendor = 'appmetrica' AND m.vendor = 'mytracker'
),

-- what is in a pair but not the first of its device is a later install of a device that is here
alone AS (
  SELECT *, row_number() OVER (PARTITION BY install_key ORDER BY preference) AS id_rank
  FROM core.install_ad_id
  WHERE
    ad_id IS NOT NULL
    AND install_key NOT IN (SELECT appmetrica_key FROM pairs)
    AND install_key NOT IN (SELECT mytracker_key FROM pairs)
),

first_alone AS (
  SELECT *, row_number() OVER (PARTITION BY app_group, vendor, id_kind, ad_id ORDER BY occurred_at NULLS LAST, install_key) AS age_rank
  FROM alone
  WHERE id_rank = 1
),

-- the time of which installs of both are loaded
spans AS (
  SELECT app_group, max(from_at) AS from_at, min(until_at) AS until_at
  FROM (SELECT app_group, vendor, min(seen_at) AS from_at, max(seen_at) AS until_at FROM core.install_ad_id GROUP BY 1, 2) AS v
  GROUP BY app_group
  HAVING count(*) = 2
),

bridges AS (
  SELECT
    app_group, id_kind, ad_id, appmetrica_key, mytracker_key, appmetrica_at, mytracker_at, appmetrica_channel, mytracker_channel,
    CASE WHEN plain_name(appmetrica_channel) = plain_name(mytracker_channel) THEN 'same' ELSE 'other_partner' END AS verdict,
    TRUE AS is_comparable
  FROM pairs
  WHERE mytracker_rank = 1 AND appmetrica_rank = 1
  UNION ALL
  SELECT
    f.app_group, f.id_kind, f.ad_id, CASE f.vendor WHEN 'appmetrica' THEN f.install_key END,
    CASE f.vendor WHEN 'mytracker' THEN f.install_key END, CASE f.vendor WHEN 'appmetrica' THEN f.occurred_at END,
    CASE f.vendor WHEN 'mytracker' THEN f.occurred_at END, CASE f.vendor WHEN 'appmetrica' THEN f.channel END,
    CASE f.vendor WHEN 'mytracker' THEN f.channel END, 'only_' || f.vendor,
    coalesce(f.seen_at >= s.from_at AND f.seen_at <= s.until_at, FALSE)
  FROM first_alone AS f
  LEFT JOIN spans AS s ON f.app_group = s.app_group
  WHERE f.age_rank = 1
)

SELECT
  app_group, -- product, by app_map
  hash_key(app_group, id_kind, ad_id) AS device_bridge_key, -- hash of app group, kind of id and id
  appmetrica_at AS appmetrica_install_at, -- install by AppMetrica, device clock, UTC
  mytracker_at AS mytracker_install_at, -- install by MyTracker, UTC
  seconds_between(appmetrica_at, mytracker_at) AS gap_s, -- mytracker_install_at minus appmetrica_install_at, s
  appmetrica_channel, -- partner's name; organic where there is none; NULL where AppMetrica has no such install
  mytracker_channel, -- the same of MyTracker
  verdict, -- same, other_partner, only_appmetrica or only_mytracker
  is_comparable, -- FALSE: only one side is loaded for the time of this install, so that the other cannot have it
  id_kind, -- id it was recognised by: google_aid, ios_ifa, huawei_oaid or ios_ifv
  appmetrica_key AS appmetrica_install_key, -- core.install
  mytracker_key AS mytracker_install_key -- core.install
FROM bridges
