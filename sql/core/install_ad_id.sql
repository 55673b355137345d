-- A first install and one advertising id of its device: what an install as one vendor sees it can be recognised by at the other.
-- Of app groups (seed app_map) that hold apps of both AppMetrica and MyTracker; reinstalls and what was cancelled left out.
-- grain: install and kind of advertising id; an install without any has one row without an id
-- kind: view
WITH groups AS (
  SELECT app_group
  FROM core.app
  WHERE source IN ('appmetrica', 'mytracker')
  GROUP BY app_group
  HAVING count(DISTINCT source) = 2
),

-- what the install row says counts before what the device said at other times
installs AS (
  SELECT
    i.install_key, a.source AS vendor, a.app_group, i.app_key, i.occurred_at, coalesce(i.received_at, i.occurred_at) AS seen_at,
    coalesce(i.publisher_name, i.publisher_id, 'organic') AS channel,
    lower(coalesce(known_id(i.google_aid), known_id(d.google_aid))) AS google_aid,
    lower(coalesce(known_id(i.ios_ifa), known_id(d.ios_ifa))) AS ios_ifa,
    lower(coalesce(known_id(i.huawei_oaid), known_id(d.huawei_oaid))) AS huawei_oaid,
    lower(coalesce(known_id(i.ios_ifv), known_id(d.ios_ifv))) AS ios_ifv
  FROM core."install" AS i
  INNER JOIN core.app AS a ON i.app_key = a.app_key
  INNER JOIN groups AS g ON a.app_group = g.app_group
  LEFT JOIN core.device AS d ON i.device_key = d.device_key
  WHERE i.kind = 'install' AND i.is_current AND a.source IN ('appmetrica', 'mytracker')
),

-- a vendor id (IDFV) is of one device and maker of apps only, but it is there when the user allows no other
ids AS (
  SELECT *, 1 AS preference, 'google_aid' AS id_kind, google_aid AS ad_id FROM installs WHERE google_aid IS NOT NULL
  UNION ALL
  SELECT *, 2, 'ios_ifa', ios_ifa FROM installs WHERE ios_ifa IS NOT NULL
  UNION ALL
  SELECT *, 3, 'huawei_oaid', huawei_oaid FROM installs WHERE huawei_oaid IS NOT NULL
  UNION ALL
  SELECT *, 4, 'ios_ifv', ios_ifv FROM installs WHERE ios_ifv IS NOT NULL
  UNION ALL
  SELECT *, 5, NULL, NULL FROM installs WHERE coalesce(google_aid, ios_ifa, huawei_oaid, ios_ifv) IS NULL
)

SELECT
  install_key, -- core.install
  vendor, -- appmetrica or mytracker
  app_group, -- product, by app_map
  app_key, -- core.app
  occurred_at, -- device clock, UTC
  seen_at, -- receipt by the vendor, else occurred_at, UTC
  channel, -- ad partner's name, else its id; organic where there is none
  preference, -- 1 is the id to go by where there are several
  id_kind, -- google_aid, ios_ifa, huawei_oaid or ios_ifv; NULL without an id
  ad_id -- the id in lower case; NULL where the install has none
FROM ids
