-- Payments of MyTracker by device, with tests and trials. Those by user (userPayments, userTrialPayments) are the same money and are left out.
-- grain: payment row
-- key: _unit, _row
-- kind: view
WITH payments AS (
  SELECT
    'payments' AS table_name,
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, amount, currency, product, transaction_id, quantity, id_purchase_type, is_verified, os,
    platform_title, device_manufacturer, device_model, os_version, id_os_lang_title, rooted, app_version,
    country_code, advertising_id, idfa, ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__payments
  UNION ALL
  SELECT
    'test_payments',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, amount, currency, product, transaction_id, quantity, id_purchase_type, is_verified, os,
    platform_title, device_manufacturer, device_model, os_version, id_os_lang_title, rooted, app_version,
    country_code, advertising_id, idfa, ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__test_payments
  UNION ALL
  SELECT
    'trial_payments',
    app_id, application_id, id_app_title, device_id, device_profile_id, custom_user_id, occurred_at,
    inserted_at, amount, currency, product, transaction_id, quantity, id_purchase_type, is_verified, os,
    platform_title, device_manufacturer, device_model, os_version, id_os_lang_title, rooted, app_version,
    country_code, advertising_id, idfa, ios_vendor_id, oaid, waid, _unit, _row
  FROM stg.stg_mytracker__trial_payments
)

SELECT
  coalesce(known_id(CAST(app_id AS VARCHAR)), application_id, 'unknown') AS application_id, -- the row's app id, else that of the unit; unknown where neither says
  id_app_title AS app_title, -- the vendor's title of the app
  coalesce(known_id(device_id), known_id(device_profile_id)) AS device_id, -- idDevice, else idProfile
  custom_user_id AS profile_id, -- user id the app set; it stays with the device until another is set
  table_name, -- raw table
  CASE
    WHEN table_name = 'test_payments' THEN 'test'
    WHEN table_name = 'trial_payments' THEN 'trial'
    WHEN CAST(id_purchase_type AS VARCHAR) = '2' THEN 'subscription'
    ELSE 'purchase'
  END AS kind, -- purchase, subscription, test or trial
  CASE CAST(id_purchase_type AS VARCHAR)
    WHEN '1' THEN 'purchase' WHEN '2' THEN 'subscription' WHEN '6' THEN 'custom_revenue' ELSE CAST(id_purchase_type AS VARCHAR)
  END AS event_type, -- what was paid by: purchase, subscription or custom_revenue
  amount, -- what was paid in all, by the user's setting `roles`; NULL without it
  currency, -- as it came; by `roles`
  quantity, -- items; by `roles`
  product, -- product id; by `roles`
  transaction_id AS order_id, -- transaction; by `roles`
  CASE CAST(is_verified AS VARCHAR) WHEN '1' THEN TRUE WHEN '0' THEN FALSE END AS is_verified, -- FALSE is both a check that failed and no check
  occurred_at, -- tsEvent, UTC; wrong clocks are kept
  inserted_at AS received_at, -- tsInsert: when the row appeared in the vendor's storage, UTC
  coalesce(platform_named(os), platform_named(platform_title), platform_of(known_id(idfa), known_id(ios_vendor_id), known_id(waid), device_manufacturer)) AS platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code, -- ISO 3166-1 code
  device_manufacturer, -- maker
  device_model, -- model
  os_version, -- OS version
  id_os_lang_title AS device_locale, -- device language
  CASE CAST(rooted AS VARCHAR) WHEN '1' THEN TRUE WHEN '2' THEN FALSE END AS is_rooted, -- rooted; NULL where the vendor does not know
  known_id(advertising_id) AS google_aid, -- Google advertising id
  known_id(idfa) AS ios_ifa, -- IDFA
  known_id(ios_vendor_id) AS ios_ifv, -- IDFV
  known_id(oaid) AS huawei_oaid, -- Huawei OAID
  known_id(waid) AS windows_aid, -- Windows advertising id
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM payments
