-- The same install as AppMetrica and MyTracker see it: of one device, bridged by an advertising id, the first install on either side.
-- For app groups of the seed app_map with apps of both. Partners are compared by name, in lower case without spaces, hyphens, dots and underscores.
-- An install without any advertising id is not here: ops.unbridgeable counts those. The other side's install of a device that is here alone may be among them.
-- grain: app group and device, known by the strongest id both sides have of it, else by the strongest of the one side
-- key: device_bridge_key
-- kind: table
-- audits: unique(device_bridge_key), not_null(verdict)
WITH pairs AS (
  SELECT
    a.app_group, a.id_kind, a.ad_id, a.install_key AS appmetrica_key, m.install_key AS mytracker_key,
    a.occurred_at AS appmetrica_at, m.occurred_at AS mytracker_at, least(a.seen_at, m.seen_at) AS seen_at,
    a.channel AS appmetrica_channel, m.channel AS mytracker_channel,
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

-- the time of which installs of both are loaded: what one has now the other may have some hours later
spans AS (
  SELECT app_group, max(from_at) AS from_at, hours_later(min(until_at), -6) AS until_at
  FROM (SELECT app_group, vendor, min(seen_at) AS from_at, max(seen_at) AS until_at FROM core.install_ad_id GROUP BY 1, 2) AS v
  GROUP BY app_group
  HAVING count(*) = 2
),

bridges AS (
  SELECT
    app_group, id_kind, ad_id, appmetrica_key, mytracker_key, appmetrica_at, mytracker_at, seen_at, appmetrica_channel,
    mytracker_channel,
    CASE WHEN plain_name(appmetrica_channel) = plain_name(mytracker_channel) THEN 'same' ELSE 'other_partner' END AS verdict
  FROM pairs
  WHERE mytracker_rank = 1 AND appmetrica_rank = 1
  UNION ALL
  SELECT
    app_group, id_kind, ad_id, CASE vendor WHEN 'appmetrica' THEN install_key END,
    CASE vendor WHEN 'mytracker' THEN install_key END, CASE vendor WHEN 'appmetrica' THEN occurred_at END,
    CASE vendor WHEN 'mytracker' THEN occurred_at END, seen_at, CASE vendor WHEN 'appmetrica' THEN channel END,
    CASE vendor WHEN 'mytracker' THEN channel END, 'only_' || vendor
  FROM first_alone
  WHERE age_rank = 1
)

SELECT
  b.app_group, -- product, by app_map
  hash_key(b.app_group, b.id_kind, b.ad_id) AS device_bridge_key, -- hash of app group, kind of id and id
  b.appmetrica_at AS appmetrica_install_at, -- install by AppMetrica, device clock, UTC
  b.mytracker_at AS mytracker_install_at, -- install by MyTracker, UTC
  seconds_between(b.appmetrica_at, b.mytracker_at) AS gap_s, -- mytracker_install_at minus appmetrica_install_at, s
  b.appmetrica_channel, -- partner's name; organic where there is none; NULL where AppMetrica has no such install
  b.mytracker_channel, -- the same of MyTracker
  b.verdict, -- same, other_partner, only_appmetrica or only_mytracker
  coalesce(b.seen_at >= s.from_at AND b.seen_at <= s.until_at, FALSE) AS is_comparable, -- received while installs of both are loaded, less the last 6 hours; count shares of these
  b.id_kind, -- id it was recognised by: google_aid, ios_ifa, huawei_oaid or ios_ifv
  b.appmetrica_key AS appmetrica_install_key, -- core.install
  b.mytracker_key AS mytracker_install_key -- core.install
FROM bridges AS b
LEFT JOIN spans AS s ON b.app_group = s.app_group
