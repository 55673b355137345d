-- Revenue of ad impressions as the ad network reports it; of MyTracker every impression, what it earned by the setting `roles`.
-- grain: ad_revenue row
-- key: ad_revenue_key
-- kind: by_day
WITH rows_of_all AS (
  SELECT
    'appmetrica' AS vendor, 'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, ad_revenue_network,
    ad_revenue_unit_id, ad_revenue_unit_name, ad_revenue_placement_id, ad_revenue_placement_name,
    ad_revenue_type, ad_revenue_precision, ad_revenue, ad_revenue_currency, ad_revenue_at,
    ad_revenue_received_at, platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer) AS platform,
    app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__ad_revenue
  UNION ALL
  SELECT
    'appmetrica', 'appmetrica_logs', application_id, device_id, installation_id, session_id, ad_revenue_network,
    ad_revenue_unit_id, ad_revenue_unit_name, ad_revenue_placement_id, ad_revenue_placement_name,
    ad_revenue_type, ad_revenue_precision, ad_revenue, ad_revenue_currency, ad_revenue_at,
    ad_revenue_received_at, platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer), app_version,
    country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__ad_revenue_events
  UNION ALL
  SELECT
    'mytracker', 'mytracker', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), network,
    ad_unit, CAST(NULL AS VARCHAR), placement, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR),
    amount, currency, occurred_at, received_at, platform, app_version, country_code, _unit, _row
  FROM core.mytracker_ad_row
)

SELECT
  hash_key(r.source, 'ad_revenue', r._unit, r._row) AS ad_revenue_key, -- hash of source, table, unit and row
  r.source, -- dataset the row came by
  hash_key(r.vendor, r.application_id) AS app_key, -- core.app
  hash_key(r.vendor, r.application_id, r.device_id) AS device_key, -- core.device
  hash_key(r.vendor, r.application_id, coalesce(r.installation_id, ''), r.device_id, r.session_id) AS session_key, -- core.session; NULL from MyTracker
  r.ad_revenue_network AS network, -- ad network
  r.ad_revenue_unit_id AS unit_id, -- ad unit
  r.ad_revenue_unit_name AS unit_name, -- ad unit's name
  r.ad_revenue_placement_id AS placement_id, -- placement
  r.ad_revenue_placement_name AS placement_name, -- placement's name
  r.ad_revenue_type AS type, -- native, banner, rewarded, interstitial, mrec or other
  r.ad_revenue_precision AS precision, -- publisher_defined, estimated, ...
  r.ad_revenue AS amount, -- revenue in `currency`; NULL where not known
  upper(r.ad_revenue_currency) AS currency, -- ISO 4217
  r.ad_revenue_at AS occurred_at, -- device clock, UTC; wrong clocks are kept
  r.ad_revenue_received_at AS received_at, -- receipt by the vendor, UTC
  seconds_between(r.ad_revenue_at, r.ad_revenue_received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(r.ad_revenue_at) AS day, -- day of occurred_at, UTC
  r.platform, -- told by ids and maker where the vendor does not say
  r.app_version, -- developer's version text
  r.country_code AS country, -- ISO 3166-1 code
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_all AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'ad_revenue'
  AND falls_in(coalesce(r.ad_revenue_received_at, r.ad_revenue_at), o.from_at, o.until_at)
WHERE o.source IS NULL
