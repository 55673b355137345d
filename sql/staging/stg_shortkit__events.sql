-- What viewers did in the feed: impressions, plays, progress, completions, swipes, reactions: live rows of the raw table.
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
  CASE WHEN r.event = 'impression' THEN as_whole(coalesce(json_text(r.parsed, '$.position'), json_text(r.parsed, '$.positionInFeed'))) END AS position, -- place in the feed, 0-based: impression
  CASE WHEN r.event IN ('impression', 'feedEntry') THEN nullif(json_text(r.parsed, '$.entryPoint'), '') END AS entry_point, -- feed, search, direct or share; of feedEntry tab, widget or deepLink: impression, feedEntry
  CASE WHEN r.event = 'impression' THEN nullif(json_text(r.parsed, '$.feedId'), '') END AS feed_id, -- feed session id: impression
  CASE WHEN r.event = 'playStart' THEN round_whole(as_number(coalesce(json_text(r.parsed, '$.startupTime'), json_text(r.parsed, '$.startupTimeMs')))) END AS startup_time_ms, -- time to first frame, ms: playStart
  CASE WHEN r.event = 'playStart' THEN nullif(coalesce(json_text(r.parsed, '$.rendition'), json_text(r.parsed, '$.initialRendition')), '') WHEN r.event = 'watchProgress' THEN nullif(coalesce(json_text(r.parsed, '$.rendition'), json_text(r.parsed, '$.currentRendition')), '') END AS rendition, -- quality, such as 720p: playStart, watchProgress
  CASE WHEN r.event = 'playStart' THEN nullif(json_text(r.parsed, '$.codec'), '') END AS codec, -- h264 or av1: playStart
  CASE WHEN r.event = 'playStart' THEN as_boolean(json_text(r.parsed, '$.autoplay')) END AS is_autoplay, -- playback began without a tap: playStart
  CASE WHEN r.event = 'watchProgress' THEN as_number(json_text(r.parsed, '$.currentTime')) END AS playhead_s, -- playback position, s: watchProgress
  CASE WHEN r.event = 'watchProgress' THEN as_number(coalesce(json_text(r.parsed, '$.duration'), json_text(r.parsed, '$.totalDuration'))) END AS duration_s, -- length of the content, s: watchProgress
  CASE WHEN r.event = 'watchProgress' THEN as_number(json_text(r.parsed, '$.percentComplete')) END AS complete_percent, -- share watched, 0 to 100, percent: watchProgress
  CASE WHEN r.event = 'watchProgress' THEN round_whole(as_number(json_text(r.parsed, '$.currentBitrate'))) END AS bitrate_bit_s, -- bitrate, bit/s: watchProgress
  CASE WHEN r.event = 'completion' THEN as_number(coalesce(json_text(r.parsed, '$.watchTime'), json_text(r.parsed, '$.totalWatchTime'))) END AS watch_time_s, -- time watched, s: completion
  CASE WHEN r.event = 'completion' THEN as_boolean(coalesce(json_text(r.parsed, '$.looped'), json_text(r.parsed, '$.didLoop'))) END AS is_looped, -- the video began again: completion
  CASE WHEN r.event = 'completion' THEN as_whole(json_text(r.parsed, '$.loopCount')) END AS loop_count, -- finished loops: completion
  CASE WHEN r.event = 'swipe' THEN nullif(json_text(r.parsed, '$.fromContentId'), '') END AS from_content_id, -- content swiped away from: swipe
  CASE WHEN r.event = 'swipe' THEN nullif(json_text(r.parsed, '$.toContentId'), '') END AS to_content_id, -- content swiped to: swipe
  CASE WHEN r.event = 'swipe' THEN as_number(coalesce(json_text(r.parsed, '$.watchTimeOnFrom'), json_text(r.parsed, '$.watchTimeOnPrevious'))) END AS watch_time_on_from_s, -- time on the content left behind, s: swipe
  CASE WHEN r.event = 'swipe' THEN nullif(json_text(r.parsed, '$.direction'), '') END AS direction, -- next or previous; forward or backward in later versions: swipe
  CASE WHEN r.event = 'share' THEN nullif(coalesce(json_text(r.parsed, '$.platform'), json_text(r.parsed, '$.shareMethod')), '') END AS share_platform, -- where it was shared to: share
  CASE WHEN r.event = 'interaction' THEN nullif(coalesce(json_text(r.parsed, '$.interactionType'), json_text(r.parsed, '$.action')), '') END AS interaction_type, -- share, like, caption_toggle, speed_change, mute_toggle, seek, fullscreen_toggle or pip_toggle: interaction
  CASE WHEN r.event = 'interaction' THEN json_part(r.parsed, '$.value') END AS interaction_value, -- what it was set to, of any JSON type: interaction
  CASE WHEN r.event = 'feedExit' THEN as_number(coalesce(json_text(r.parsed, '$.totalSessionTime'), json_text(r.parsed, '$.watchTime'))) END AS total_session_time_s, -- length of the visit to the feed, s: feedExit
  CASE WHEN r.event = 'feedExit' THEN as_whole(json_text(r.parsed, '$.videosWatched')) END AS videos_watched, -- videos seen: feedExit
  CASE WHEN r.event = 'feedExit' THEN as_whole(json_text(r.parsed, '$.adsWatched')) END AS ads_watched, -- ads seen: feedExit
  CASE WHEN r.event = 'feedExit' THEN nullif(json_text(r.parsed, '$.exitMethod'), '') END AS exit_method, -- tabSwitch, background or navigation: feedExit
  u.available_at, -- when the vendor last offered the unit, UTC
  r._unit, -- unit of work that brought the row
  r._row, -- ordinal of the row in its unit, 0-based
  r._received_from, -- file format and part
  r._dlt_load_id -- load that brought the row
FROM (
  SELECT *, as_json(nullif(data, '')) AS parsed
  FROM shortkit.events
) AS r
INNER JOIN stg.stg_shortkit__units AS u
  ON r._unit = u.unit AND r._dlt_load_id = u._dlt_load_id
