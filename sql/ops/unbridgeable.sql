-- Installs that mart.attribution_match cannot compare, because neither they nor their device have an advertising id.
-- grain: app of a group that both AppMetrica and MyTracker measure
-- key: app_key
-- kind: view
SELECT
  app_group, -- product, by app_map
  app_key, -- core.app
  vendor, -- appmetrica or mytracker
  count(DISTINCT install_key) AS installs, -- first installs, cancelled ones left out
  count(DISTINCT CASE WHEN ad_id IS NULL THEN install_key END) AS unbridgeable, -- of these without an advertising id
  CAST(count(DISTINCT CASE WHEN ad_id IS NULL THEN install_key END) AS DOUBLE) / count(DISTINCT install_key) AS share -- unbridgeable by installs, 0..1
FROM core.install_ad_id
GROUP BY app_group, app_key, vendor
