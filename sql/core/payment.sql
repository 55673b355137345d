-- A payment the app reported: a purchase, a subscription, a trial, a test, or a line of an e-commerce order.
-- Of MyTracker the payments by device; those by user are the same money.
-- grain: revenue row, ecommerce row of type purchase, or payment row of MyTracker
-- key: payment_key
-- kind: by_day
WITH purchases AS (
  SELECT
    'appmetrica' AS vendor, 'revenue' AS table_name, source, application_id, device_id, installation_id, session_id,
    CASE
      WHEN lower(revenue_event_type) LIKE '%trial%' THEN 'trial'
      WHEN revenue_inapp_type = 'subscription' THEN 'subscription'
      WHEN lower(revenue_event_type) LIKE '%subscription%' THEN 'subscription'
      ELSE 'purchase'
    END AS kind,
    revenue_event_type AS event_type, revenue_price AS price,
    CAST(coalesce(revenue_quantity, 1) AS DECIMAL(18, 0)) AS quantity,
    CAST(revenue_price * coalesce(revenue_quantity, 1) AS DECIMAL(38, 9)) AS amount,
    revenue_currency AS currency, revenue_product_id AS product, revenue_order_id AS order_id,
    CASE is_revenue_verified WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END AS is_verified,
    occurred_at, received_at, platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer) AS platform,
    app_version, country_code, _unit, _row
  FROM core.revenue_row
),

-- the vendor's price of a cart item is the whole line's, quantity and discounts included
order_lines AS (
  SELECT
    'appmetrica', 'ecommerce', source, application_id, device_id, installation_id, session_id,
    'ecommerce_order', ecom_type, ecom_cart_item_price_fiat_value,
    ecom_cart_item_quantity, ecom_cart_item_price_fiat_value,
    ecom_cart_item_price_fiat_unit_type, ecom_product_sku, ecom_order_id,
    CAST(NULL AS BOOLEAN),
    occurred_at, received_at, platform_of(ios_ifa, ios_ifv, windows_aid, device_manufacturer),
    app_version, country_code, _unit, _row
  FROM core.ecommerce_row
  WHERE ecom_type = 'purchase'
),

payments AS (
  SELECT * FROM purchases
  UNION ALL
  SELECT * FROM order_lines
  UNION ALL
  SELECT
    'mytracker', table_name, 'mytracker', application_id, device_id, CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR),
    kind, event_type, amount, quantity, amount, currency, product, order_id, is_verified,
    occurred_at, received_at, platform, app_version, country_code, _unit, _row
  FROM core.mytracker_payment_row
)

SELECT
  hash_key(source, table_name, _unit, _row) AS payment_key, -- hash of source, table, unit and row
  source, -- dataset the row came by
  hash_key(vendor, application_id) AS app_key, -- core.app
  hash_key(vendor, application_id, device_id) AS device_key, -- core.device
  hash_key(vendor, application_id, coalesce(installation_id, ''), device_id, session_id) AS session_key, -- core.session; NULL from MyTracker
  kind, -- purchase, subscription, trial, test or ecommerce_order
  event_type, -- the vendor's subtype
  price, -- as the vendor gives it; negative for refunds; of MyTracker the amount
  quantity, -- items
  amount, -- what was paid, in `currency`: price times quantity; of an order line, its price
  upper(currency) AS currency, -- ISO 4217
  product, -- product id
  order_id, -- order id
  is_verified, -- TRUE, FALSE (validation failed), NULL (never sent for validation); of MyTracker FALSE may also be that
  occurred_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, UTC
  seconds_between(occurred_at, received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(occurred_at) AS day, -- day of occurred_at, UTC
  platform, -- told by ids and maker where the vendor does not say
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM payments
