"""The drawer in which takes are decided about: what, why, what moves where, and the button."""

from collections import Counter
from dataclasses import dataclass, replace

import streamlit as st

from background_executor import queries
from background_executor.decisions.decision_commands import SeenTake
from background_executor.decisions.decision_settings import OTHER
from background_executor.decisions.offers import what_would_move
from background_executor.decisions.refusals import why_no_defect
from background_executor.decisions.rules import (
    others_last,
    proposed_comment,
    proposed_reasons,
    seen,
)
from background_executor.records import PointRecord
from dashboard.asking import ask
from dashboard.components.drawers import Content
from dashboard.components.markup import paragraph
from dashboard.components.moves import planned_moves
from dashboard.components.plain import plain
from dashboard.components.selection import Selection, set_selection
from dashboard.components.tables import table
from dashboard.site import OpenSite
from dashboard.theme import LOOKS, face_of
from dashboard.views.deciding import (
    ACT_WORDS,
    Offer,
    TakesAct,
    decide,
    first_comment,
    what_a_retake_opens,
)
from dashboard.views.wording import NO_NUMBER, count, gain_with_error, point_label

COMMENT_LIMIT = 20_000
REASON_LIMIT = 2000
NO_MOVE = "Nothing moves; a receipt is left on the server."


@dataclass(frozen=True)
class Words:
    """What the operator wrote."""

    reason: str
    comment: str


@dataclass(frozen=True)
class Matter:
    """What a drawer is about, as it was seen when it was opened."""

    offer: Offer
    scan_id: str
    takes: tuple[SeenTake, ...]
    older: tuple[SeenTake, ...]
    """Other takes of the same points that may be meant, too."""
    selection: Selection


def takes_drawer(offer: Offer, scan_id: str, selection: Selection) -> Content:
    """Return the content of the drawer for an act about takes."""
    seen_now = Matter(offer, scan_id, _seen(offer.points), _seen(offer.older), selection)

    def content(site: OpenSite, operator: str) -> None:
        words = ACT_WORDS[offer.act]
        st.html(paragraph(words.explanation))
        _say_what_goes_on(site, offer, scan_id)
        matter = _with_older(seen_now)
        st.html(_takes(matter.offer.points))
        if offer.left_out:
            left_out = count(len(offer.left_out), "selected point is", "selected points are")
            st.html(paragraph(f"{left_out} left out: {'; '.join(offer.left_out)}.", "small"))
        written = _ask_why(site, offer)
        _show_moves(site, matter)
        if st.button(f"{words.button} {matter.offer.number}", key="decide-sure", type="primary"):
            _ask_for(site, operator, matter, written)

    return content


def _say_what_goes_on(site: OpenSite, offer: Offer, scan_id: str) -> None:
    scan = queries.scan(site.store, scan_id) if offer.act is TakesAct.RETAKE else None
    if scan is None:
        return
    note = what_a_retake_opens(scan, queries.points(site.store, scan_id))
    if note:
        st.html(paragraph(note, "fault"))


def _seen(points: tuple[PointRecord, ...]) -> tuple[SeenTake, ...]:
    return tuple(take for point in points if (take := seen(point)) is not None)


def _with_older(matter: Matter) -> Matter:
    """Ask whether the other takes of the same points are meant, too, and add them if so."""
    older = matter.offer.older
    if not older:
        return matter
    what = count(len(older), "other take", "other takes")
    if not st.checkbox(f"And {what} of these points", key="decide-older"):
        return matter
    offer = replace(matter.offer, points=(*matter.offer.points, *older))
    return replace(matter, offer=offer, takes=(*matter.takes, *matter.older))


def _takes(points: tuple[PointRecord, ...]) -> str:
    rows = [
        (
            point_label(point.point),
            LOOKS[face_of(point)],
            f"take {point.take} of {point.takes}",
            gain_with_error(point.gain.gain, point.gain.gain_err) if point.gain else NO_NUMBER,
            proposed_comment(point),
        )
        for point in points
    ]
    return table(("point", "", "take", "gain", "findings"), rows)


def _ask_why(site: OpenSite, offer: Offer) -> Words:
    needed = "" if ACT_WORDS[offer.act].is_reason_needed else " (may be empty)"
    if offer.act is not TakesAct.FLAG:
        reason = st.text_input(f"Reason{needed}", key="decide-reason", max_chars=REASON_LIMIT)
        return Words((reason or "").strip(), "")
    reasons = site.config.decisions.defect_reasons
    proposed = _proposals(offer, reasons)
    defect = st.pills(
        "Defect",
        reasons,
        default=proposed[0] if proposed else None,
        format_func=plain,
        key="decide-defect",
    )
    if proposed:
        st.html(paragraph(f"Proposed by the findings: {', '.join(proposed)}.", "small"))
    # The drawer of other takes begins with other findings, also when it takes this one's place.
    about = "-".join(f"{point.point.name}-{point.take}" for point in offer.points)
    comment = st.text_area(
        f"Comment (needed for '{OTHER}')",
        value=_first_comment(offer),
        key=f"decide-comment-{about}",
        max_chars=COMMENT_LIMIT,
    )
    return Words(defect or "", (comment or "").strip())


def _first_comment(offer: Offer) -> str:
    return first_comment(offer.points)[:COMMENT_LIMIT].strip()


def _proposals(offer: Offer, reasons: tuple[str, ...]) -> list[str]:
    found = Counter(r for point in offer.points for r in proposed_reasons(point, reasons))
    return list(others_last(reason for reason, _ in found.most_common()))


def _show_moves(site: OpenSite, matter: Matter) -> None:
    act = matter.offer.act
    if not ACT_WORDS[act].moves:
        st.html(paragraph(NO_MOVE, "small"))
        return
    planned = what_would_move(site.store, site.config, matter.scan_id, matter.takes)
    st.html(planned_moves(planned, is_back=act is TakesAct.UNFLAG))


def _ask_for(site: OpenSite, operator: str, matter: Matter, written: Words) -> None:
    fault = _fault(site, matter.offer, written)
    if fault:
        st.error(fault)
        return
    command = decide(
        matter.offer.act, matter.scan_id, matter.takes, written.reason, written.comment
    )
    ask(site.store, site.name, command, operator)
    set_selection(matter.selection)
    st.rerun()


def _fault(site: OpenSite, offer: Offer, written: Words) -> str:
    """Say what is missing; empty when nothing is."""
    if ACT_WORDS[offer.act].is_reason_needed and not written.reason:
        return "Give a reason: it stands beside the decision for as long as the data exist."
    if offer.act is not TakesAct.FLAG:
        return ""
    defects = site.config.decisions.defect_reasons
    if fault := why_no_defect(written.reason, written.comment, defects):
        return fault
    if written.reason == OTHER and written.comment == _first_comment(offer):
        return (
            f"Say in the comment what is wrong, in words of your own: '{OTHER}' alone tells nobody "
            "anything, and the findings are on record already."
        )
    return ""
