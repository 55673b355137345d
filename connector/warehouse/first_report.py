"""The first things to look at after a run; the command line prints them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from connector.warehouse.changes import present_relations

DAYS_SHOWN = 7
EVENTS_SHOWN = 10


class ReportTable(NamedTuple):
    """A table to show: a title, column heads and rows of plain values."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class _Question:
    """A table of the report: the relations it needs, its heads and its query.

    `if_any`: it is shown only where it has rows.
    """

    title: str
    needs: frozenset[str]
    columns: tuple[str, ...]
    sql: str
    if_any: bool = False


# An app that two vendors measure has the same name twice.
_APP = """
    coalesce(name, source_app_id) || CASE source WHEN 'mytracker' THEN ' (MyTracker)' ELSE '' END
""".strip()
# Days that no clock but a wrong one can have come by are left out: see `received`.
_RECENT = f"""
    WITH received AS (
      SELECT app_key, max(CAST(received_at AS DATE)) AS last_day
      FROM (
        SELECT app_key, received_at FROM core.session
        UNION ALL SELECT app_key, received_at FROM core.activity
      ) AS r
      GROUP BY app_key
    ),
    recent AS (
      SELECT u.*, row_number() OVER (PARTITION BY u.app_key ORDER BY u.day DESC) AS age
      FROM mart.active_users AS u JOIN received AS r USING (app_key)
      WHERE u.day <= coalesce(r.last_day, u.day) QUALIFY age <= {DAYS_SHOWN}
    ),
    apps AS (SELECT app_key, {_APP} AS app FROM core.app)
"""

_QUESTIONS = (
    _Question(
        "App by day (UTC; days before loading began hold late rows only, refunds are negative)",
        frozenset(
            {"mart.app_daily", "mart.active_users", "core.session", "core.activity", "core.app"}
        ),
        (
            "app",
            "day",
            "active devices",
            "new",
            "installs",
            "sessions",
            "mean length, s",
            "crashes",
            "revenue",
            "currency",
        ),
        f"""{_RECENT}
    SELECT a.app, d.day, any_value(r.dau), sum(d.new_devices)::BIGINT, sum(d.installs)::BIGINT,
      sum(d.sessions)::BIGINT,
      round(sum(d.session_length_s) / nullif(sum(d.sessions_with_length), 0))::BIGINT,
      sum(d.crashes)::BIGINT,
      round(sum(d.in_app_revenue) + sum(d.ad_revenue), 2)::DECIMAL(38, 2),
      any_value(d.revenue_currency)
    FROM mart.app_daily AS d JOIN recent AS r USING (app_key, day) JOIN apps AS a USING (app_key)
    GROUP BY a.app, d.app_key, d.day ORDER BY a.app, d.day DESC""",
    ),
    _Question(
        "Active users",
        frozenset({"mart.active_users", "core.session", "core.activity", "core.app"}),
        ("app", "day", "day's", "7 days", "28 days", "30 days", "stickiness", "active by"),
        f"""{_RECENT}
    SELECT a.app, r.day, r.dau, r.wau, r.mau_28, r.mau_30, round(r.stickiness, 3), r.activity
    FROM recent AS r JOIN apps AS a USING (app_key) WHERE r.age = 1 ORDER BY a.app""",
    ),
    _Question(
        "Top events",
        frozenset({"core.event", "core.app"}),
        ("app", "event", "rows", "devices"),
        f"""
    WITH apps AS (SELECT app_key, {_APP} AS app FROM core.app)
    SELECT a.app, e.name, count(*) AS found, count(DISTINCT e.device_key)
    FROM core.event AS e JOIN apps AS a USING (app_key)
    GROUP BY 1, 2 ORDER BY found DESC, 1, 2 LIMIT {EVENTS_SHOWN}""",
    ),
    _Question(
        "Attribution: AppMetrica against MyTracker (installs of the time both are loaded for)",
        frozenset({"mart.attribution_match"}),
        ("product", "verdict", "installs", "share", "median gap, s"),
        """
    SELECT app_group, verdict, count(*) AS found,
      round(count(*) / sum(count(*)) OVER (PARTITION BY app_group), 3),
      median(gap_s)::BIGINT
    FROM mart.attribution_match WHERE is_comparable
    GROUP BY app_group, verdict ORDER BY app_group, found DESC, verdict""",
        if_any=True,
    ),
    _Question(
        "Playback (ShortKit's newest day)",
        frozenset({"core.video_view"}),
        ("day", "device", "views", "started", "startup P50, ms", "P95", "stalled", "completed"),
        """
    SELECT day, device_type, count(*) AS views, count_if(is_started),
      quantile_cont(startup_ms, 0.5)::BIGINT, quantile_cont(startup_ms, 0.95)::BIGINT,
      round(sum(rebuffer_ms) / nullif(1000 * sum(watch_s) + sum(rebuffer_ms), 0), 4),
      round(count_if(is_completed) / nullif(count_if(is_started), 0), 3)
    FROM core.video_view WHERE day = (SELECT max(day) FROM core.video_view)
    GROUP BY day, device_type ORDER BY views DESC, device_type""",
        if_any=True,
    ),
    _Question(
        "Freshness",
        frozenset({"ops.freshness"}),
        ("source", "app", "tables", "units", "rows", "newest data", "lag, s"),
        """
    SELECT source, application_id, count(*), sum(units)::BIGINT, sum(rows)::BIGINT,
      max(newest_available_at), min(lag_s)
    FROM ops.freshness GROUP BY source, application_id ORDER BY source, application_id""",
    ),
    _Question(
        "Reconciliation",
        frozenset({"ops.reconciliation"}),
        ("source", "units", "declared", "loaded", "quarantined", "difference"),
        """
    SELECT source, count(*), sum(expected_rows)::BIGINT, sum(loaded_rows)::BIGINT,
      sum(quarantined_rows)::BIGINT, sum(abs(difference))::BIGINT
    FROM ops.reconciliation GROUP BY source ORDER BY source""",
    ),
)


def report_tables(connection: DuckDBPyConnection) -> list[ReportTable]:
    """What a first look wants: last days, active users, top events, freshness, reconciliation;
    attribution where two vendors measure one product.

    A table whose relations are not there (their models failed) is left out.
    """
    connection.execute("SET TimeZone = 'UTC'")
    present = present_relations(connection)
    tables = [
        ReportTable(
            question.title,
            question.columns,
            tuple(connection.execute(question.sql).fetchall()),
        )
        for question in _QUESTIONS
        if question.needs <= present.keys()
    ]
    shown_if_any = {question.title for question in _QUESTIONS if question.if_any}
    return [table for table in tables if table.rows or table.title not in shown_if_any]
