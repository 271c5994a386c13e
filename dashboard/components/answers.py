"""What became of what was asked: the newest answer, acts in hand, and what may be undone."""

from datetime import datetime

import streamlit as st

from background_executor.decisions.decision_records import MoveRecord
from background_executor.decisions.offers import UndoOffer
from dashboard.asking import ask
from dashboard.components.markup import age_of, chip, paragraph, row
from dashboard.site import OpenSite
from dashboard.theme import MOVE_LOOKS
from dashboard.views.live import HeadView
from dashboard.views.status import CommandView


def answer_lines(site: OpenSite, view: HeadView, operator: str, now: datetime) -> None:
    """Show what was answered last, what is still being done, and let the last act be undone."""
    if view.commands:
        _answers(view.commands)
    waiting = [move for move in view.in_hand if move.message]
    if waiting:
        st.html("".join(_in_hand(move) for move in waiting))
    for number, offer in enumerate(view.undo):
        _undo(site, offer, operator, number, now)


def _answers(commands: tuple[CommandView, ...]) -> None:
    """Show the newest command with its answer in one line, the others behind a button."""
    newest, *older = commands
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="answers"):
        st.html(_command(newest), width="stretch")
        if older:
            with st.popover(f"{len(older)} more", key="older-answers"):
                st.html("".join(_command(command) for command in older))


def _command(command: CommandView) -> str:
    text = f"{command.text}{f' — {command.answer}' if command.answer else ''}"
    signed = paragraph(f"by {command.operator}", "small")
    age = age_of(command.asked_at, "asked ")
    return row(chip(command.look), paragraph(text), signed, age, kind="tight answer")


def _in_hand(move: MoveRecord) -> str:
    what = f"{move.act.value.replace('_', ' ')} of scan {move.scan_id}: {move.message}"
    return row(chip(MOVE_LOOKS[move.state]), paragraph(what), kind="tight answer")


def _undo(site: OpenSite, offer: UndoOffer, operator: str, number: int, now: datetime) -> None:
    left_s = max(0, int((offer.until - now).total_seconds()))
    with st.container(
        horizontal=True, vertical_alignment="center", gap="xsmall", key=f"undo-line-{number}"
    ):
        st.html(paragraph(offer.words), width="content")
        label = f"Undo ({left_s} s)"
        if st.button(label, key=f"undo-{number}", type="primary", disabled=not operator):
            ask(site.store, site.name, offer.command, operator)
