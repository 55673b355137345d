-- Revenue of ad impressions as the ad network reports it.
-- grain: ad_revenue row
-- key: ad_revenue_key
-- kind: by_day
SELECT
  hash_key('appmetrica_stream', 'ad_revenue', _unit, _row) AS ad_revenue_key, -- hash of source, table, unit and row
  'appmetrica_stream' AS source, -- dataset the row came by
  hash_key('appmetrica', application_id) AS app_key, -- core.app
  hash_key('appmetrica', application_id, device_id) AS device_key, -- core.device
  hash_key('appmetrica', application_id, coalesce(installation_id, ''), device_id, session_id) AS session_key, -- core.session
  ad_revenue_network AS network, -- ad network
  ad_revenue_unit_id AS unit_id, -- ad unit
  ad_revenue_unit_name AS unit_name, -- ad unit's name
  ad_revenue_placement_id AS placement_id, -- placement
  ad_revenue_placement_name AS placement_name, -- placement's name
  ad_revenue_type AS type, -- native, banner, rewarded, interstitial, mrec or other
  ad_revenue_precision AS precision, -- publisher_defined, estimated, ...
  ad_revenue AS amount, -- revenue in `currency`
  upper(ad_revenue_currency) AS currency, -- ISO 4217
  ad_revenue_at AS occurred_at, -- device clock, UTC; wrong clocks are kept
  ad_revenue_received_at AS received_at, -- receipt by the vendor, UTC
  seconds_between(ad_revenue_at, ad_revenue_received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(ad_revenue_at) AS day, -- day of occurred_at, UTC
  platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer) AS platform, -- told by ids and maker: the vendor gives none here
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM stg.stg_appmetrica_stream__ad_revenue
