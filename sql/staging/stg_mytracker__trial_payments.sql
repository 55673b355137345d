-- Trial subscriptions: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/mytracker/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  r.is_verified, -- verification state, 0 or 1; documented as a filter only
  r.id_purchase_type, -- 1 purchase, 2 subscription, 6 custom revenue; documented as a filter only
  r.ts_event AS occurred_at, -- event time, UTC
  r.ts_insert AS inserted_at, -- time the row appeared in the vendor's storage, UTC
  r.dt_event AS event_on, -- event date in the time zone of the request, which is UTC here
  r.ts_install AS installed_at, -- install time, UTC
  nullif(r.sdk_key, '') AS sdk_key, -- key of the app in the SDK: 20 digits with leading zeros
  r.id_account, -- MyTracker account id
  r.id_app AS app_id, -- MyTracker application id
  r.id_app_store, -- install service (store) id
  nullif(r.id_app_store_title, '') AS id_app_store_title, -- install service title; slow to export
  nullif(r.id_app_title, '') AS id_app_title, -- application title
  r.id_app_version, -- application version id
  nullif(r.id_app_version_title, '') AS app_version, -- application version
  r.id_project, -- project id
  nullif(r.id_project_title, '') AS id_project_title, -- project title
  r.id_tracker_sdk_version, -- SDK version id
  nullif(r.id_tracker_sdk_version_title, '') AS id_tracker_sdk_version_title, -- SDK version
  nullif(nullif(r.advertising_id, ''), '00000000-0000-0000-0000-000000000000') AS advertising_id, -- Android advertising id
  nullif(r.android_id, '') AS android_id, -- Android id
  nullif(r.custom_user_id, '') AS custom_user_id, -- user id set by the app through SDK/S2S
  nullif(r.id_device, '') AS device_id, -- physical device id (browser for web)
  nullif(r.id_profile, '') AS device_profile_id, -- device within the app (pair idApp+idDevice)
  nullif(nullif(r.idfa, ''), '00000000-0000-0000-0000-000000000000') AS idfa, -- iOS advertising id
  nullif(r.instance_id, '') AS instance_id, -- SDK instance id (the id used for S2S)
  nullif(nullif(r.ios_vendor_id, ''), '00000000-0000-0000-0000-000000000000') AS ios_vendor_id, -- iOS vendor id (IDFV)
  nullif(nullif(r.oaid, ''), '00000000-0000-0000-0000-000000000000') AS oaid, -- Huawei advertising id
  nullif(nullif(r.waid, ''), '00000000-0000-0000-0000-000000000000') AS waid, -- Windows advertising id
  r.ad_tracking_enabled, -- state of the ad-tracking switch
  nullif(r.att_status, '') AS att_status, -- App Tracking Transparency status
  r.bluetooth_enabled, -- Bluetooth was on at event time
  r.dpi, -- screen dots per inch
  r.id_connection_type, -- connection type id
  nullif(r.id_connection_type_title, '') AS id_connection_type_title, -- connection type title
  r.id_device_model, -- device model id
  nullif(r.id_device_model_title, '') AS device_model, -- device model; slow to export
  r.id_manufacturer, -- manufacturer id
  nullif(r.id_manufacturer_title, '') AS device_manufacturer, -- manufacturer; slow to export
  r.id_mobile_manufacturer_brand, -- manufacturer id in the MyTracker dictionary
  nullif(r.id_mobile_manufacturer_brand_title, '') AS id_mobile_manufacturer_brand_title, -- manufacturer title in the MyTracker dictionary
  r.id_mobile_manufacturer_device, -- device model id in the MyTracker dictionary
  nullif(r.id_mobile_manufacturer_device_title, '') AS id_mobile_manufacturer_device_title, -- device model title in the MyTracker dictionary
  r.id_mobile_operator_current, -- current mobile operator id
  nullif(r.id_mobile_operator_current_title, '') AS id_mobile_operator_current_title, -- current mobile operator
  r.id_mobile_operator_sim, -- SIM operator id
  nullif(r.id_mobile_operator_sim_title, '') AS id_mobile_operator_sim_title, -- SIM operator
  r.id_os, -- OS id
  r.id_os_lang, -- OS language id
  nullif(r.id_os_lang_title, '') AS id_os_lang_title, -- OS language; slow to export
  r.id_os_timezone, -- OS timezone id
  nullif(r.id_os_timezone_title, '') AS id_os_timezone_title, -- OS timezone; slow to export
  nullif(r.id_os_title, '') AS os, -- OS title
  r.id_os_version, -- OS version id
  nullif(r.id_os_version_title, '') AS os_version, -- OS version
  r.id_platform, -- platform id
  nullif(r.id_platform_title, '') AS platform_title, -- platform title
  r.rooted, -- root or jailbreak: 0 unknown, 1 rooted, 2 not
  nullif(r.rooted_title, '') AS rooted_title, -- title of rooted
  r.screen_diagonal, -- screen diagonal
  r.screen_height, -- screen height
  r.screen_width, -- screen width
  r.xdpi, -- horizontal dpi
  r.ydpi, -- vertical dpi
  r.id_country, -- country id in the MyTracker dictionary, not ISO
  nullif(r.id_country_iso_alpha2, '') AS country_code, -- country ISO alpha-2
  nullif(r.id_country_iso_numeric, '') AS id_country_iso_numeric, -- country ISO numeric
  nullif(r.id_country_title, '') AS id_country_title, -- country title
  r.id_region, -- region id
  nullif(r.id_region_title, '') AS id_region_title, -- region title
  r.id_region_low, -- low-level region id
  nullif(r.id_region_low_title, '') AS id_region_low_title, -- low-level region title
  r.id_ad, -- tracking link id
  r.id_ad_attr, -- tracking link id of the current attribution
  nullif(r.id_ad_attr_title, '') AS id_ad_attr_title, -- tracking link title of the current attribution
  r.id_ad_event_type, -- ad interaction that led to attribution: 1 post-click, 2 post-view, 3 pre-install, 4 DOOH
  nullif(r.id_ad_event_type_title, '') AS id_ad_event_type_title, -- title of idAdEventType
  nullif(r.id_ad_title, '') AS id_ad_title, -- tracking link title
  r.id_campaign, -- campaign id
  r.id_campaign_attr, -- campaign id of the current attribution
  nullif(r.id_campaign_attr_title, '') AS id_campaign_attr_title, -- campaign title of the current attribution
  r.id_campaign_creator, -- campaign creator id
  r.id_campaign_creator_attr, -- campaign creator id of the current attribution
  nullif(r.id_campaign_creator_attr_name, '') AS id_campaign_creator_attr_name, -- campaign creator name of the current attribution
  nullif(r.id_campaign_creator_name, '') AS id_campaign_creator_name, -- campaign creator name
  nullif(r.id_campaign_title, '') AS id_campaign_title, -- campaign title
  r.id_partner, -- partner id
  r.id_partner_attr, -- partner id of the current attribution
  nullif(r.id_partner_attr_title, '') AS id_partner_attr_title, -- partner title of the current attribution
  r.id_partner_prev_attr, -- partner id of the previous attribution
  nullif(r.id_partner_prev_attr_title, '') AS id_partner_prev_attr_title, -- partner title of the previous attribution
  nullif(r.id_partner_title, '') AS id_partner_title, -- partner title; 'Organic' where there is none
  r.id_sub1, -- additional tracking-link identifier 1 (id)
  nullif(r.id_sub1_title, '') AS id_sub1_title, -- value of sub id 1; slow for ranges that start before 2021-06-03
  r.id_sub1_attr, -- sub id 1 of the current attribution
  nullif(r.id_sub1_attr_title, '') AS id_sub1_attr_title, -- value of sub id 1 of the current attribution
  r.id_sub2, -- additional tracking-link identifier 2 (id)
  nullif(r.id_sub2_title, '') AS id_sub2_title, -- value of sub id 2; slow for ranges that start before 2021-06-03
  r.id_sub2_attr, -- sub id 2 of the current attribution
  nullif(r.id_sub2_attr_title, '') AS id_sub2_attr_title, -- value of sub id 2 of the current attribution
  r.id_sub3, -- additional tracking-link identifier 3 (id)
  nullif(r.id_sub3_title, '') AS id_sub3_title, -- value of sub id 3; slow for ranges that start before 2021-06-03
  r.id_sub3_attr, -- sub id 3 of the current attribution
  nullif(r.id_sub3_attr_title, '') AS id_sub3_attr_title, -- value of sub id 3 of the current attribution
  r.id_sub4, -- additional tracking-link identifier 4 (id)
  nullif(r.id_sub4_title, '') AS id_sub4_title, -- value of sub id 4; slow for ranges that start before 2021-06-03
  r.id_sub4_attr, -- sub id 4 of the current attribution
  nullif(r.id_sub4_attr_title, '') AS id_sub4_attr_title, -- value of sub id 4 of the current attribution
  r.id_sub5, -- additional tracking-link identifier 5 (id)
  nullif(r.id_sub5_title, '') AS id_sub5_title, -- value of sub id 5; slow for ranges that start before 2021-06-03
  r.id_sub5_attr, -- sub id 5 of the current attribution
  nullif(r.id_sub5_attr_title, '') AS id_sub5_attr_title, -- value of sub id 5 of the current attribution
  r.id_sub_ad_set, -- additional ad set identifier
  nullif(r.id_sub_ad_set_title, '') AS id_sub_ad_set_title, -- additional ad set value
  r.id_sub_ad_set_attr, -- additional ad set identifier, current attribution
  nullif(r.id_sub_ad_set_attr_title, '') AS id_sub_ad_set_attr_title, -- additional ad set value, current attribution
  r.id_sub_campaign, -- additional campaign identifier
  nullif(r.id_sub_campaign_title, '') AS id_sub_campaign_title, -- additional campaign value
  r.id_sub_campaign_attr, -- additional campaign identifier, current attribution
  nullif(r.id_sub_campaign_attr_title, '') AS id_sub_campaign_attr_title, -- additional campaign value, current attribution
  r.id_sub_creative, -- additional creative identifier
  nullif(r.id_sub_creative_title, '') AS id_sub_creative_title, -- additional creative value
  r.id_sub_creative_attr, -- additional creative identifier, current attribution
  nullif(r.id_sub_creative_attr_title, '') AS id_sub_creative_attr_title, -- additional creative value, current attribution
  r.id_sub_medium, -- additional traffic type/medium identifier
  nullif(r.id_sub_medium_title, '') AS id_sub_medium_title, -- additional traffic type/medium value
  r.id_sub_medium_attr, -- additional traffic type/medium identifier, current attribution
  nullif(r.id_sub_medium_attr_title, '') AS id_sub_medium_attr_title, -- additional traffic type/medium value, current attribution
  r.id_sub_network, -- additional network identifier
  nullif(r.id_sub_network_title, '') AS id_sub_network_title, -- additional network value
  r.id_sub_network_attr, -- additional network identifier, current attribution
  nullif(r.id_sub_network_attr_title, '') AS id_sub_network_attr_title, -- additional network value, current attribution
  r.id_traffic_type, -- traffic type id
  nullif(r.id_traffic_type_title, '') AS id_traffic_type_title, -- traffic type title
  r.ts_attr AS attributed_at, -- attribution time, UTC
  CAST(NULL AS DECIMAL(38,9)) AS amount, -- what was paid, currency:currency; NULL until the setting roles names a selector
  CAST(NULL AS VARCHAR) AS currency, -- currency of the amount; NULL until the setting roles names a selector
  CAST(NULL AS VARCHAR) AS product, -- what was bought; NULL until the setting roles names a selector
  CAST(NULL AS VARCHAR) AS transaction_id, -- the store's id of the purchase; NULL until the setting roles names a selector
  CAST(NULL AS DECIMAL(38,9)) AS quantity, -- how many were bought, items; NULL until the setting roles names a selector
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM mytracker.trial_payments AS r
INNER JOIN stg.stg_mytracker__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
