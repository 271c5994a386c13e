"""The joins behind ``queries``: what belongs to a scan, a point or a result, in one statement.

They are built once: building one takes longer than SQLite needs to answer it.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa

from background_executor import tables
from background_executor.following import PublicationState
from background_executor.imported import Provenance
from background_executor.records import PointState

Select = sa.Select[Any]

_scans, _points, _results = tables.scans.c, tables.points.c, tables.results.c


@cache
def scan_select() -> Select:
    """Select scans, newest first, each with the counts and the pace of its points."""
    progress = (
        sa.select(
            _points.scan_id,
            sa.func.count().label("planned"),
            sa.func.count().filter(_points.state == PointState.STORED).label("stored"),
            sa.func.count().filter(_points.state == PointState.FAILED).label("failed"),
            sa.func.max(_points.updated_at).label("points_updated_at"),
        )
        .group_by(_points.scan_id)
        .subquery()
    )
    pace = (
        sa.select(
            _results.scan_id,
            sa.func.count(_results.point.distinct()).label("measured_points"),
            sa.func.min(_results.stored_at).label("first_stored_at"),
            sa.func.max(_results.stored_at).label("last_stored_at"),
        )
        .group_by(_results.scan_id)
        .subquery()
    )
    return (
        sa.select(tables.scans, *_others(progress), *_others(pace))
        .select_from(tables.scans)
        .join(progress, progress.c.scan_id == _scans.scan_id)
        .outerjoin(pace, pace.c.scan_id == _scans.scan_id)
        .order_by(_scans.started_at.desc(), _scans.scan_id)
    )


def _others(subquery: sa.Subquery) -> list[sa.ColumnElement[Any]]:
    return [column for column in subquery.c if column.name != "scan_id"]


def newest_verdict() -> sa.ColumnElement[bool]:
    """Match the verdict in force of a result."""
    inner = tables.verdicts.alias()
    newest = sa.select(sa.func.max(inner.c.verdict_id)).where(
        inner.c.result_id == _results.result_id
    )
    return tables.verdicts.c.verdict_id == newest.correlate(tables.results).scalar_subquery()


def verdict_columns() -> list[sa.ColumnElement[Any]]:
    """List the columns of a verdict that a join adds to those of its result."""
    left_out = ("site", "result_id", "verdict_id")
    return [column for column in tables.verdicts.c if column.name not in left_out]


@cache
def result_select() -> Select:
    """Select results, each with the verdict in force."""
    statement = sa.select(tables.results, *verdict_columns()).select_from(tables.results)
    return statement.outerjoin(tables.verdicts, newest_verdict()).where(
        _results.provenance == Provenance.MEASURED
    )


@cache
def point_select() -> Select:
    """Select points with the newest result of their newest take, its verdict and decision."""
    decisions = tables.decisions.c
    result_columns = ("revision", "result_id", "measured_at", "acquired_at", "stored_at")
    decision_columns = ("decision_id", "decision", "reason", "comment", "operator", "decided_at")
    return (
        sa.select(
            tables.points,
            _count_of_takes().label("takes"),
            _last_decision().label("last_decision_id"),
            _count_of_coming().label("coming"),
            *[_results[name] for name in result_columns],
            *verdict_columns(),
            *[decisions[name] for name in decision_columns],
        )
        .select_from(tables.points)
        .outerjoin(tables.results, _results.result_id == _newest_result())
        .outerjoin(tables.verdicts, newest_verdict())
        .outerjoin(tables.decisions, decisions.decision_id == _newest_decision())
        .where(_points.scan_id == sa.bindparam("scan_id"))
        .order_by(_points.ordinal)
    )


def _newest_result() -> sa.ScalarSelect[int]:
    """Find the last revision of a point's newest take."""
    inner = tables.results.alias()
    statement = sa.select(inner.c.result_id).where(*_of_newest_take(inner))
    statement = statement.order_by(inner.c.revision.desc()).limit(1)
    return statement.correlate(tables.points).scalar_subquery()


def _newest_decision() -> sa.ScalarSelect[int]:
    """Find the decision in force about a point's newest take."""
    inner = tables.decisions.alias()
    statement = sa.select(sa.func.max(inner.c.decision_id)).where(*_of_newest_take(inner))
    return statement.correlate(tables.points).scalar_subquery()


def _last_decision() -> sa.ScalarSelect[int]:
    """Find the newest step in the history of the decisions about a point."""
    inner = tables.decisions.alias()
    of_point = (inner.c.scan_id == _points.scan_id, inner.c.point == _points.point)
    statement = sa.select(sa.func.max(inner.c.decision_id)).where(*of_point)
    return statement.correlate(tables.points).scalar_subquery()


def _of_newest_take(inner: sa.FromClause) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        inner.c.scan_id == _points.scan_id,
        inner.c.point == _points.point,
        inner.c.take == _points.take,
    )


def _count_of_coming() -> sa.ScalarSelect[int]:
    """Count the published folders of a point's newest take that were not fetched yet."""
    inner = tables.publications.alias()
    statement = sa.select(sa.func.count()).where(
        *_of_newest_take(inner), inner.c.state == PublicationState.WAITING
    )
    return statement.correlate(tables.points).scalar_subquery()


def _count_of_takes() -> sa.ScalarSelect[int]:
    inner = tables.takes.c
    of_point = (inner.scan_id == _points.scan_id, inner.point == _points.point)
    statement = sa.select(sa.func.count()).select_from(tables.takes).where(*of_point)
    return statement.correlate(tables.points).scalar_subquery()
