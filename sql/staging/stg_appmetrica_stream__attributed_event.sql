-- Conversions: events, revenue, e-commerce and ad revenue with their attribution; mutable like installation: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_stream/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.android_id, '') AS android_id, -- Android device id
  nullif(r.app_build_number, '') AS app_build, -- build number; documented as integer, kept as text
  r.app_framework, -- 0 native 1 Unity 2 Xamarin 3 React 4 Cordova
  nullif(r.attributed_event_type, '') AS attributed_event_type, -- event|revenue|ecommerce|ad_revenue
  r.click_date, -- day of click; listed, not described, app time zone
  as_json(nullif(r.conversion_attribution_window_size, '')) AS conversion_attribution_window_size, -- list of seconds, parallel to ids; NULL where it is not valid JSON
  nullif(r.conversion_attribution_window_size, '') AS conversion_attribution_window_size_text, -- the exact text the vendor sent
  as_json(nullif(r.conversion_id, '')) AS conversion_id, -- list of numbers; NULL where it is not valid JSON
  nullif(r.conversion_id, '') AS conversion_id_text, -- the exact text the vendor sent
  as_json(nullif(r.conversion_name, '')) AS conversion_name, -- list of strings, parallel to ids; NULL where it is not valid JSON
  nullif(r.conversion_name, '') AS conversion_name_text, -- the exact text the vendor sent
  nullif(r.device_ipv6, '') AS ip_address, -- IP at the event in IPv6 form
  nullif(r.event_attribution_model, '') AS event_attribution_model, -- first_appmetrica|last_appmetrica
  r.event_date, -- day of event; listed, not described, app time zone
  nullif(r.event_initial_event_type, '') AS event_initial_event_type, -- installation|deeplink
  as_json(nullif(r.event_json, '')) AS properties, -- event attributes, JSON text inside a string; NULL where it is not valid JSON
  nullif(r.event_json, '') AS properties_text, -- the exact text the vendor sent
  nullif(r.event_name, '') AS event_name, -- event name from the SDK
  nullif(r.event_source, '') AS event_source, -- sdk|import_api|js|system
  nullif(nullif(r.huawei_oaid, ''), '00000000-0000-0000-0000-000000000000') AS huawei_oaid, -- Huawei OAID (stream name)
  nullif(r.operator_name, '') AS operator_name, -- mobile operator
  nullif(r.original_device_model, '') AS original_device_model, -- factory model code
  nullif(r.session_id, '') AS session_id, -- session number; unique with installation_id + ad id
  nullif(r.session_type, '') AS session_type, -- foreground|background
  as_json(nullif(r.testids, '')) AS testids, -- array of experiment variant ids; NULL where it is not valid JSON
  nullif(r.testids, '') AS testids_text, -- the exact text the vendor sent
  nullif(r.touch_type, '') AS touch_type, -- click|impression|unknown
  nullif(r.os_name, '') AS platform, -- ios|android|windows
  nullif(r.attributed_touch_type, '') AS attributed_touch_type, -- what was credited: click|impression|unknown
  r.version, -- revision of an installation; highest wins
  r.sign, -- collapse sign; sum gives real count
  r.is_reattribution, -- install re-credited to a new source
  r.is_reinstallation, -- repeat install on the device
  nullif(r.match_type, '') AS match_type, -- fingerprint|referrer|identifier|empty
  nullif(r.click_id, '') AS click_id, -- click/impression id, empty if none
  nullif(r.click_ipv6, '') AS click_ipv6, -- IP at click in IPv6 form (v4 mapped)
  r.click_timestamp AS clicked_at, -- click/impression; empty for organic, UTC
  nullif(r.click_url_parameters, '') AS click_url_parameters, -- query string of the tracking link
  nullif(r.click_user_agent, '') AS click_user_agent, -- user agent of the click
  nullif(r.profile_id, '') AS profile_id, -- client-set user profile id
  nullif(r.installation_id, '') AS installation_id, -- install id (32 hex)
  nullif(r.certificate_verification_status, '') AS certificate_verification_status, -- unknown|valid|invalid|unsupported_operating_system|empty_event_certificate
  nullif(r.appmetrica_device_id, '') AS device_id, -- device id; exceeds int64
  r.appmetrica_sdk_version AS sdk_version, -- SDK version number e.g. 3001000
  nullif(r.connection_type, '') AS connection_type, -- wifi|cell|unknown
  nullif(r.device_locale, '') AS device_locale, -- device language
  r.mcc, -- mobile country code
  r.mnc, -- mobile network code
  nullif(r.app_package_name, '') AS app_package, -- package / bundle id
  nullif(r.app_version_name, '') AS app_version, -- developer version string
  nullif(nullif(r.publisher_id, ''), '0') AS publisher_id, -- ad partner id; 0 for unattributed postbacks
  nullif(r.publisher_name, '') AS publisher_name, -- ad partner name; empty if unattributed
  nullif(r.tracker_name, '') AS tracker_name, -- tracker name from the UI
  nullif(r.tracking_id, '') AS tracking_id, -- tracker id; example exceeds int64
  nullif(r.country, '') AS country, -- country name in English
  nullif(r.district, '') AS district, -- federal district name in English
  nullif(r.area, '') AS area, -- region name in English
  nullif(r.city, '') AS city, -- city name in English
  nullif(r.country_iso_code, '') AS country_code, -- ISO country code, iso3166-1
  nullif(r.device_manufacturer, '') AS device_manufacturer, -- normalised manufacturer
  nullif(r.device_model, '') AS device_model, -- normalised model
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(nullif(r.google_aid, ''), '00000000-0000-0000-0000-000000000000') AS google_aid, -- Google advertising id
  nullif(nullif(r.ios_ifa, ''), '00000000-0000-0000-0000-000000000000') AS ios_ifa, -- IDFA
  nullif(r.ios_ifv, '') AS ios_ifv, -- IDFV
  nullif(r.os_version, '') AS os_version, -- OS version
  nullif(nullif(r.windows_aid, ''), '00000000-0000-0000-0000-000000000000') AS windows_aid, -- Windows advertising id
  r.event_receive_timestamp AS received_at, -- server receipt, UTC
  r.event_timestamp AS occurred_at, -- device event time, UTC
  r.revenue_quantity, -- units bought, items
  r.revenue_price, -- price; negative for refunds, currency:revenue_currency
  nullif(r.revenue_currency, '') AS revenue_currency, -- ISO 4217, iso4217
  nullif(r.revenue_product_id, '') AS revenue_product_id, -- product id
  nullif(r.revenue_order_id, '') AS revenue_order_id, -- order id
  nullif(r.revenue_order_id_source, '') AS revenue_order_id_source, -- autogenerated|user_defined
  nullif(r.is_revenue_verified, '') AS is_revenue_verified, -- true|false|undefined
  nullif(r.is_revenue_autocollected, '') AS is_revenue_autocollected, -- true|false|undefined
  nullif(r.revenue_inapp_type, '') AS revenue_inapp_type, -- one_time_purchase|subscription
  nullif(r.revenue_event_type, '') AS revenue_event_type, -- 13 subtypes, e.g. subscription_renewed, refund
  nullif(r.ecom_type, '') AS ecom_type, -- show_screen|show_product_card|show_product_details|add_cart_item|remove_cart_item|begin_checkout|purchase
  nullif(r.ecom_screen_name, '') AS ecom_screen_name, -- screen
  nullif(r.ecom_screen_search_query, '') AS ecom_screen_search_query, -- search text
  as_json(nullif(r.ecom_screen_payload, '')) AS ecom_screen_payload, -- string map; NULL where it is not valid JSON
  nullif(r.ecom_screen_payload, '') AS ecom_screen_payload_text, -- the exact text the vendor sent
  nullif(r.ecom_screen_category_path_1, '') AS ecom_screen_category_path_1, -- screen category level 1
  nullif(r.ecom_screen_category_path_2, '') AS ecom_screen_category_path_2, -- screen category level 2
  nullif(r.ecom_screen_category_path_3, '') AS ecom_screen_category_path_3, -- screen category level 3
  nullif(r.ecom_screen_category_path_4, '') AS ecom_screen_category_path_4, -- screen category level 4
  nullif(r.ecom_screen_category_path_5, '') AS ecom_screen_category_path_5, -- screen category level 5
  nullif(r.ecom_screen_category_path_6, '') AS ecom_screen_category_path_6, -- screen category level 6
  nullif(r.ecom_screen_category_path_7, '') AS ecom_screen_category_path_7, -- screen category level 7
  nullif(r.ecom_screen_category_path_8, '') AS ecom_screen_category_path_8, -- screen category level 8
  nullif(r.ecom_screen_category_path_9, '') AS ecom_screen_category_path_9, -- screen category level 9
  nullif(r.ecom_screen_category_path_10, '') AS ecom_screen_category_path_10, -- screen category level 10
  nullif(r.ecom_product_name, '') AS ecom_product_name, -- product
  nullif(r.ecom_product_sku, '') AS ecom_product_sku, -- product id; documented as integer, kept as text
  as_json(nullif(r.ecom_product_promocodes, '')) AS ecom_product_promocodes, -- array of strings; NULL where it is not valid JSON
  nullif(r.ecom_product_promocodes, '') AS ecom_product_promocodes_text, -- the exact text the vendor sent
  as_json(nullif(r.ecom_product_payload, '')) AS ecom_product_payload, -- string map; NULL where it is not valid JSON
  nullif(r.ecom_product_payload, '') AS ecom_product_payload_text, -- the exact text the vendor sent
  nullif(r.ecom_product_category_path_1, '') AS ecom_product_category_path_1, -- product category level 1
  nullif(r.ecom_product_category_path_2, '') AS ecom_product_category_path_2, -- product category level 2
  nullif(r.ecom_product_category_path_3, '') AS ecom_product_category_path_3, -- product category level 3
  nullif(r.ecom_product_category_path_4, '') AS ecom_product_category_path_4, -- product category level 4
  nullif(r.ecom_product_category_path_5, '') AS ecom_product_category_path_5, -- product category level 5
  nullif(r.ecom_product_category_path_6, '') AS ecom_product_category_path_6, -- product category level 6
  nullif(r.ecom_product_category_path_7, '') AS ecom_product_category_path_7, -- product category level 7
  nullif(r.ecom_product_category_path_8, '') AS ecom_product_category_path_8, -- product category level 8
  nullif(r.ecom_product_category_path_9, '') AS ecom_product_category_path_9, -- product category level 9
  nullif(r.ecom_product_category_path_10, '') AS ecom_product_category_path_10, -- product category level 10
  nullif(r.ecom_product_actual_price_fiat_unit_type, '') AS ecom_product_actual_price_fiat_unit_type, -- currency of actual price
  r.ecom_product_actual_price_fiat_value, -- actual price, currency:ecom_product_actual_price_fiat_unit_type
  as_json(nullif(r.ecom_product_actual_price_internal_components, '')) AS ecom_product_actual_price_internal_components, -- array of one-key objects; NULL where it is not valid JSON
  nullif(r.ecom_product_actual_price_internal_components, '') AS ecom_product_actual_price_internal_components_text, -- the exact text the vendor sent
  nullif(r.ecom_product_original_price_fiat_unit_type, '') AS ecom_product_original_price_fiat_unit_type, -- currency of base price
  r.ecom_product_original_price_fiat_value, -- base price, currency:ecom_product_original_price_fiat_unit_type
  as_json(nullif(r.ecom_product_original_price_internal_components, '')) AS ecom_product_original_price_internal_components, -- array of one-key objects; NULL where it is not valid JSON
  nullif(r.ecom_product_original_price_internal_components, '') AS ecom_product_original_price_internal_components_text, -- the exact text the vendor sent
  nullif(r.ecom_cart_item_price_fiat_unit_type, '') AS ecom_cart_item_price_fiat_unit_type, -- currency of cart price
  r.ecom_cart_item_price_fiat_value, -- cart price, currency:ecom_cart_item_price_fiat_unit_type
  r.ecom_cart_item_quantity, -- cart quantity, items
  as_json(nullif(r.ecom_cart_item_internal_components, '')) AS ecom_cart_item_internal_components, -- array of one-key objects; NULL where it is not valid JSON
  nullif(r.ecom_cart_item_internal_components, '') AS ecom_cart_item_internal_components_text, -- the exact text the vendor sent
  nullif(r.ecom_referrer_type, '') AS ecom_referrer_type, -- source type
  nullif(r.ecom_referrer_id, '') AS ecom_referrer_id, -- source id
  nullif(r.ecom_order_id, '') AS ecom_order_id, -- order id
  as_json(nullif(r.ecom_order_payload, '')) AS ecom_order_payload, -- string map; NULL where it is not valid JSON
  nullif(r.ecom_order_payload, '') AS ecom_order_payload_text, -- the exact text the vendor sent
  r.ad_revenue_timestamp AS ad_revenue_at, -- ad revenue event time, UTC
  r.ad_revenue_receive_timestamp AS ad_revenue_received_at, -- server receipt of ad revenue event, UTC
  r.ad_revenue, -- impression revenue, currency:ad_revenue_currency
  nullif(r.ad_revenue_currency, '') AS ad_revenue_currency, -- currency
  nullif(r.ad_revenue_type, '') AS ad_revenue_type, -- native|banner|rewarded|interstitial|mrec|other
  nullif(r.ad_revenue_data_source, '') AS ad_revenue_data_source, -- autocollected|manual
  nullif(r.ad_revenue_network, '') AS ad_revenue_network, -- ad network
  nullif(r.ad_revenue_placement_id, '') AS ad_revenue_placement_id, -- placement id
  nullif(r.ad_revenue_placement_name, '') AS ad_revenue_placement_name, -- placement name
  nullif(r.ad_revenue_unit_id, '') AS ad_revenue_unit_id, -- ad unit id
  nullif(r.ad_revenue_unit_name, '') AS ad_revenue_unit_name, -- ad unit name
  nullif(r.ad_revenue_precision, '') AS ad_revenue_precision, -- e.g. publisher_defined, estimated
  as_json(nullif(r.ad_revenue_payload, '')) AS ad_revenue_payload, -- extra data; NULL where it is not valid JSON
  nullif(r.ad_revenue_payload, '') AS ad_revenue_payload_text, -- the exact text the vendor sent
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM appmetrica_stream.attributed_event AS r
INNER JOIN stg.stg_appmetrica_stream__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
