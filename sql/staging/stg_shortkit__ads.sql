-- Ads in the feed: requests, impressions, completions, clicks. What a row of it holds is published nowhere and taken from the SDK's and the Events API's pages: live rows of the raw table.
-- grain: raw row
-- key: _unit, _row
-- kind: view
-- generated: from connector/sources/shortkit/fields.toml by `connector docs`
SELECT
  u.application_id, -- vendor's app id
  nullif(r.event, '') AS name, -- event name
  nullif(r.content_id, '') AS content_id, -- content the row is about; of a swipe the one swiped to; may be absent from ad rows
  nullif(r.user_id, '') AS user_id, -- id of the user, or of the device where nobody is logged in; may be the word anonymous
  r.timestamp AS occurred_at, -- event time; whole seconds in every sample, UTC
  nullif(r.session_id, '') AS session_id, -- viewing session; absent from rows of the first version
  nullif(r.device_type, '') AS device_type, -- ios, android or web
  nullif(r.device_id, '') AS device_id, -- device id
  nullif(r.country, '') AS country_code, -- ISO 3166-1 code, of which length is not said
  r.current_time AS current_time_s, -- playback position, where the row itself tells it; told of quality only
  as_json(nullif(r.data, '')) AS data, -- what is particular to the event, whole; NULL where it is not valid JSON
  nullif(r.data, '') AS data_text, -- the exact text the vendor sent
  CASE WHEN r.event IN ('impression', 'completion', 'click') THEN nullif(coalesce(json_text(r.parsed, '$.adId'), json_text(r.parsed, '$.slotId')), '') END AS ad_id, -- ad; the slot where a later version gives that instead: impression, completion, click
  CASE WHEN r.event = 'impression' THEN nullif(json_text(r.parsed, '$.adNetworkId'), '') END AS ad_network_id, -- ad network: impression
  CASE WHEN r.event = 'impression' THEN nullif(json_text(r.parsed, '$.contentIdBefore'), '') END AS content_id_before, -- content shown before the ad: impression
  CASE WHEN r.event IN ('impression', 'adImpression', 'adStart') THEN as_whole(json_text(r.parsed, '$.position')) END AS position, -- place in the feed, 0-based: impression, adImpression, adStart
  CASE WHEN r.event IN ('completion', 'adSkip') THEN as_number(json_text(r.parsed, '$.watchTime')) END AS watch_time_s, -- time watched, s: completion, adSkip
  CASE WHEN r.event = 'completion' THEN as_boolean(json_text(r.parsed, '$.didComplete')) END AS is_completed, -- the ad played to its end: completion
  CASE WHEN r.event = 'completion' THEN as_boolean(json_text(r.parsed, '$.didSkip')) END AS is_skipped, -- the user skipped the ad: completion
  CASE WHEN r.event IN ('adRequest', 'adImpression', 'adStart', 'adProgress', 'adComplete', 'adSkip') THEN nullif(json_text(r.parsed, '$.slotId'), '') END AS slot_id, -- ad slot the server assigned: adRequest, adImpression, adStart, adProgress, adComplete, adSkip
  CASE WHEN r.event = 'adRequest' THEN as_boolean(json_text(r.parsed, '$.filled')) END AS is_filled, -- the request got an ad: adRequest
  CASE WHEN r.event = 'adRequest' THEN nullif(json_text(r.parsed, '$.errorReason'), '') END AS error_reason, -- no_fill, timeout and so on, where it got none: adRequest
  CASE WHEN r.event IN ('adImpression', 'adStart', 'adComplete') THEN nullif(json_text(r.parsed, '$.adUnitId'), '') END AS ad_unit_id, -- ad unit: adImpression, adStart, adComplete
  CASE WHEN r.event IN ('adImpression', 'adStart', 'adComplete') THEN nullif(json_text(r.parsed, '$.creativeId'), '') END AS creative_id, -- creative of the ad's provider: adImpression, adStart, adComplete
  CASE WHEN r.event = 'adProgress' THEN nullif(json_text(r.parsed, '$.quartile'), '') END AS quartile, -- first, midpoint or third: adProgress
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM (
  SELECT *, as_json(nullif(data, '')) AS parsed
  FROM shortkit.ads
) AS r
INNER JOIN stg.stg_shortkit__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
