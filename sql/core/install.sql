-- An install as it stands after all its revisions: the highest version wins, signs add up.
-- grain: installation, by installation id, device, moment and re-attribution; of MyTracker a row
-- key: install_key
-- kind: by_day
WITH revisions AS (
  SELECT
    *,
    coalesce(
      hash_key(
        vendor, application_id, installation_id, coalesce(device_id, ''),
        coalesce(CAST(installed_at AS VARCHAR), ''), coalesce(is_reattribution, FALSE)
      ),
      hash_key(source, 'installation', _unit, _row)
    ) AS install_key
  FROM core.install_row
),

ranked AS (
  SELECT
    *,
    sum(coalesce(sign, 1)) OVER (PARTITION BY install_key) AS installs,
    row_number() OVER (
      PARTITION BY install_key
      ORDER BY version DESC NULLS LAST, sign DESC NULLS LAST, available_at DESC NULLS LAST, _unit DESC, _row DESC
    ) AS revision_rank
  FROM revisions
)

SELECT
  install_key, -- hash of app, installation, device, moment; of the row where one is missing
  source, -- dataset the row came by
  hash_key(vendor, application_id) AS app_key, -- core.app
  hash_key(vendor, application_id, device_id) AS device_key, -- core.device
  CASE
    WHEN is_reattribution THEN 'reengagement'
    WHEN is_reinstallation THEN 'reinstall'
    ELSE 'install'
  END AS kind, -- install, reinstall or reengagement
  CAST(installs AS BIGINT) AS installs, -- sum of sign: 1, or 0 when cancelled; count with it
  installs > 0 AND coalesce(sign, 1) > 0 AS is_current, -- the install stands
  version, -- highest revision; 1 from the Logs API and MyTracker, which have none
  installed_at AS occurred_at, -- device clock, UTC; of a re-engagement, when it happened
  received_at, -- receipt by the vendor, of MyTracker tsInsert, UTC
  utc_day(installed_at) AS day, -- day of occurred_at, UTC
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  vendor AS attribution_family, -- who attributed: appmetrica or mytracker; never added together
  attributed_touch_type AS touch_type, -- click, impression or unknown; of MyTracker also pre_install and dooh (outdoor screens)
  match_type, -- fingerprint, referrer, identifier; NULL from MyTracker
  publisher_id, -- ad partner
  publisher_name, -- ad partner's name; NULL for organic
  tracker_name, -- tracker, or MyTracker's tracking link
  tracking_id, -- its id
  click_url_parameters AS campaign_parameters, -- query of the tracking link; NULL from MyTracker
  clicked_at AS click_at, -- click or impression, UTC; NULL for organic
  seconds_between(clicked_at, installed_at) AS time_to_install_s, -- installed_at minus click_at, s
  fraud_status, -- ok, low, mid, high or unknown; only from Data Stream
  installation_id, -- the vendor's installation id; NULL from MyTracker
  campaign, -- campaign's title; only from MyTracker
  campaign_id, -- campaign; only from MyTracker
  google_aid, -- Google advertising id
  ios_ifa, -- IDFA
  ios_ifv, -- IDFV
  huawei_oaid, -- Huawei OAID
  _unit, -- unit of work of the revision shown
  _row -- its ordinal in the unit, 0-based
FROM ranked
WHERE revision_rank = 1
