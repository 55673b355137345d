-- An event the app sent, one row as the vendor gave it; equal rows are legal and stay.
-- grain: event row
-- key: event_key
-- kind: by_day
SELECT
  hash_key(source, 'event', _unit, _row) AS event_key, -- hash of source, table, unit and row
  source, -- dataset the row came by
  hash_key(vendor, application_id) AS app_key, -- core.app
  hash_key(vendor, application_id, device_id) AS device_key, -- core.device; NULL without a device id
  hash_key(vendor, application_id, 'profile', profile_id) AS user_key, -- person by the user id the app set; NULL without one
  hash_key(vendor, application_id, coalesce(installation_id, ''), device_id, session_id) AS session_key, -- core.session; NULL from MyTracker, which does not say
  event_name AS name, -- event name
  event_source, -- sdk, import_api, js or system; only from Data Stream
  session_type, -- foreground or background; only from Data Stream
  occurred_at, -- device clock, UTC; wrong clocks are kept
  received_at, -- receipt by the vendor, of MyTracker tsInsert, UTC
  available_at, -- when the vendor offered the unit, UTC
  seconds_between(occurred_at, received_at) AS lateness_s, -- received_at minus occurred_at, s
  utc_day(occurred_at) AS day, -- day of occurred_at, UTC
  platform, -- ios, android or windows
  app_version, -- developer's version text
  country_code AS country, -- ISO 3166-1 code
  properties, -- event attributes, JSON; NULL where not valid
  _unit, -- unit of work that brought the row
  _row -- ordinal of the row in its unit, 0-based
FROM core.event_row
