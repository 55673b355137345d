-- Purchases of either AppMetrica export, each from the one that ops.coverage reads.
-- grain: revenue row
-- key: source, _unit, _row
-- kind: view
WITH rows_of_both AS (
  SELECT
    'appmetrica_stream' AS source, application_id, device_id, installation_id, session_id, revenue_event_type,
    revenue_inapp_type, revenue_price, revenue_quantity, revenue_currency, revenue_product_id,
    revenue_order_id, is_revenue_verified, occurred_at, received_at, ios_ifa, ios_ifv, windows_aid,
    device_manufacturer, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_stream__revenue
  UNION ALL
  SELECT
    'appmetrica_logs', application_id, device_id, installation_id, session_id, revenue_event_type,
    revenue_inapp_type, revenue_price, revenue_quantity, revenue_currency, revenue_product_id,
    revenue_order_id, is_revenue_verified, occurred_at, received_at, ios_ifa, ios_ifv, windows_aid,
    device_manufacturer, app_version, country_code, _unit, _row
  FROM stg.stg_appmetrica_logs__revenue_events
)

SELECT
  r.source, -- dataset the row came by
  r.application_id, -- vendor's app id
  r.device_id, -- the vendor's device id
  r.installation_id, -- the vendor's installation id
  r.session_id, -- the vendor's session number
  r.revenue_event_type, -- the vendor's subtype
  r.revenue_inapp_type, -- one_time_purchase or subscription
  r.revenue_price, -- price of one, negative for refunds
  r.revenue_quantity, -- units bought
  r.revenue_currency, -- ISO 4217 as it came
  r.revenue_product_id, -- product id
  r.revenue_order_id, -- order id
  r.is_revenue_verified, -- true, false or undefined
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
  ON r.application_id = o.application_id AND r.source = o.source AND o.table_name = 'revenue'
  AND falls_in(coalesce(r.received_at, r.occurred_at), o.from_at, o.until_at)
WHERE o.source IS NULL
