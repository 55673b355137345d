-- Rows found in the raw tables, by unit.
-- grain: unit with rows
-- key: unit
-- kind: view
-- generated: from connector/sources/mytracker/fields.toml by `connector docs`
WITH counted AS (
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__activities GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__ad_monetization GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__app_updates GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__apple_ska_npostbacks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__custom_events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__deeplinks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__device_authorisations GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__device_registrations GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__hits GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__installs GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__new_devices GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__partner_ska_npostbacks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__payments GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__reengagements GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__reinstalls GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__sessions GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__test_payments GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__trial_payments GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_activities GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_ad_monetization GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__new_users GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_authorisations GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_custom_events GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_deeplinks GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_hits GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_payments GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_reengagements GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_registrations GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_sessions GROUP BY _unit
  UNION ALL
  SELECT _unit, count(*) AS found FROM stg.stg_mytracker__user_trial_payments GROUP BY _unit
)

SELECT
  _unit AS unit, -- unit of work
  CAST(sum(found) AS BIGINT) AS found_rows -- live rows of the unit, counted in raw
FROM counted
GROUP BY _unit
