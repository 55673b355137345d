-- When Data Stream counts as having stopped, for a while or for good.
-- grain: the one rule there is
-- kind: view
SELECT
  6 AS gap_hours, -- hours without a window of any table of the app that are still no gap
  1 AS margin_hours -- rows reach a window within so many hours of their receipt: of those before a gap some may be lost in it
