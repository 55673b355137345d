-- E-commerce screens, goods, carts and orders; one row a good: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/appmetrica_logs/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
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
  nullif(r.event_name, '') AS event_name, -- event name from the SDK
  nullif(r.session_id, '') AS session_id, -- session number; unique with installation_id + ad id
  nullif(r.installation_id, '') AS installation_id, -- install id (32 hex)
  nullif(r.android_id, '') AS android_id, -- Android device id
  r.appmetrica_sdk_version AS sdk_version, -- SDK version number e.g. 3001000
  nullif(r.device_ipv6, '') AS ip_address, -- IP at the event in IPv6 form
  nullif(r.device_locale, '') AS device_locale, -- device language
  nullif(r.device_type, '') AS device_type, -- phone|tablet|unknown
  nullif(r.operator_name, '') AS operator_name, -- mobile operator
  nullif(r.original_device_model, '') AS original_device_model, -- factory model code
  nullif(r.app_build_number, '') AS app_build, -- build number; documented as integer, kept as text
  as_json(nullif(r.event_json, '')) AS properties, -- event attributes, JSON text inside a string [in response example, missing from the copy list]; NULL where it is not valid JSON
  nullif(r.event_json, '') AS properties_text, -- the exact text the vendor sent
  nullif(r.os_name, '') AS platform, -- ios|android|windows [in response example, missing from the copy list]
  nullif(r.country_iso_code, '') AS country_code, -- ISO country code, iso3166-1
  nullif(r.city, '') AS city, -- city name in English
  nullif(r.device_manufacturer, '') AS device_manufacturer, -- normalised manufacturer
  nullif(r.device_model, '') AS device_model, -- normalised model
  nullif(nullif(r.google_aid, ''), '00000000-0000-0000-0000-000000000000') AS google_aid, -- Google advertising id
  nullif(nullif(r.ios_ifa, ''), '00000000-0000-0000-0000-000000000000') AS ios_ifa, -- IDFA
  nullif(r.ios_ifv, '') AS ios_ifv, -- IDFV
  nullif(r.os_version, '') AS os_version, -- OS version
  nullif(nullif(r.windows_aid, ''), '00000000-0000-0000-0000-000000000000') AS windows_aid, -- Windows advertising id
  nullif(r.profile_id, '') AS profile_id, -- client-set user profile id
  nullif(r.appmetrica_device_id, '') AS device_id, -- device id; exceeds int64
  nullif(r.app_package_name, '') AS app_package, -- package / bundle id
  nullif(r.app_version_name, '') AS app_version, -- developer version string
  nullif(r.connection_type, '') AS connection_type, -- wifi|cell|unknown
  r.mcc, -- mobile country code
  r.mnc, -- mobile network code
  r.event_receive_timestamp AS received_at, -- server receipt, UTC
  r.event_timestamp AS occurred_at, -- device event time, UTC
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM appmetrica_logs.ecommerce_events AS r
INNER JOIN stg.stg_appmetrica_logs__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
