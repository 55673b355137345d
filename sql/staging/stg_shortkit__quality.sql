-- How playback went: stalls, switches of quality, errors: live rows of the raw table.
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
  CASE WHEN r.event = 'rebuffer' THEN round_whole(as_number(coalesce(json_text(r.parsed, '$.duration'), json_text(r.parsed, '$.rebufferDurationMs'), json_text(r.parsed, '$.durationMs'), json_text(r.parsed, '$.rebufferDuration')))) END AS rebuffer_duration_ms, -- length of the stall, ms: rebuffer
  CASE WHEN r.event IN ('rebuffer', 'qualityChange', 'error') THEN as_number(json_text(r.parsed, '$.currentTime')) END AS playhead_s, -- playback position, s: rebuffer, qualityChange, error
  CASE WHEN r.event IN ('rebuffer', 'error') THEN nullif(json_text(r.parsed, '$.rendition'), '') END AS rendition, -- quality, such as 720p: rebuffer, error
  CASE WHEN r.event IN ('rebuffer', 'error') THEN nullif(json_text(r.parsed, '$.networkType'), '') END AS network_type, -- wifi, cellular and so on: rebuffer, error
  CASE WHEN r.event = 'qualityChange' THEN nullif(coalesce(json_text(r.parsed, '$.fromQuality'), json_text(r.parsed, '$.fromRendition')), '') END AS from_quality, -- quality before: qualityChange
  CASE WHEN r.event = 'qualityChange' THEN nullif(coalesce(json_text(r.parsed, '$.toQuality'), json_text(r.parsed, '$.toRendition')), '') END AS to_quality, -- quality after: qualityChange
  CASE WHEN r.event = 'qualityChange' THEN nullif(json_text(r.parsed, '$.reason'), '') END AS change_reason, -- bandwidth or buffer: qualityChange
  CASE WHEN r.event = 'error' THEN nullif(json_text(r.parsed, '$.errorCode'), '') END AS error_code, -- code of the platform: error
  CASE WHEN r.event = 'error' THEN nullif(json_text(r.parsed, '$.errorMessage'), '') END AS error_message, -- readable message: error
  CASE WHEN r.event = 'error' THEN nullif(json_text(r.parsed, '$.errorType'), '') END AS error_type, -- network, decode or player; playback in a later sample: error
  CASE WHEN r.event = 'error' THEN json_part(r.parsed, '$.deviceInfo') END AS device_info, -- what the device or browser is: error
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM (
  SELECT *, as_json(nullif(data, '')) AS parsed
  FROM shortkit.quality
) AS r
INNER JOIN stg.stg_shortkit__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
