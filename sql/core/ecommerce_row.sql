-- E-commerce rows of either AppMetrica export, each from the one that ops.coverage reads.
-- grain: ecommerce row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, ecom_type,
    ecom_cart_item_price_fiat_value, ecom_cart_item_quantity, ecom_cart_item_price_fiat_unit_type,
    ecom_product_sku, ecom_order_id, occurred_at, received_at, ios_ifa, ios_ifv, windows_aid,
    device_manufacturer, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__ecommerce
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, installation_id, session_id, ecom_type,
    ecom_cart_item_price_fiat_value, ecom_cart_item_quantity, ecom_cart_item_price_fiat_unit_type,
    ecom_product_sku, ecom_order_id, occurred_at, received_at, ios_ifa, ios_ifv, windows_aid,
    device_manufacturer, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__ecommerce_events
)

SELECT
  r.source, -- dataset the row came by
  r.application_id, -- vendor's app id
  r.device_id, -- the vendor's device id
  r.installation_id, -- the vendor's installation id
  r.session_id, -- the vendor's session number
  r.ecom_type, -- what was done: purchase, add_cart_item, ...
  r.ecom_cart_item_price_fiat_value, -- price of the line
  r.ecom_cart_item_quantity, -- items
  r.ecom_cart_item_price_fiat_unit_type, -- currency as it came
  r.ecom_product_sku, -- product id
  r.ecom_order_id, -- order id
  r.occurred_at, -- device clock, UTC; wrong clocks are kept
  r.received_at, -- receipt by the vendor, UTC
  r.ios_ifa, -- IDFA
  r.ios_ifv, -- IDFV
  r.windows_aid, -- Windows advertising id
  r.device_manufacturer, -- normalised maker
  r.app_version, -- developer's version text
  r.country_code, -- ISO 3166-1 code
  r._unit, -- unit of work that brought the row
  r._row -- ordinal of the row in its unit, 0-based
FROM rows_of_both AS r
LEFT JOIN ops.left_out AS o
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'ecommerce'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
