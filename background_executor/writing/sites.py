"""What belongs to a site as a whole: commands, the executor's word, the list of acquisitions."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from background_executor import tables
from background_executor.acquisition_record import AcquisitionRecord
from background_executor.decisions.decision_records import FINISHED_MOVE_STATES
from background_executor.errors import StoreError
from background_executor.records import (
    CommandRecord,
    CommandState,
    ExecutorRecord,
)
from background_executor.states import COMMAND_TRANSITIONS, check_transition
from background_executor.writing.transaction import Transaction, Values


class SiteWriting(Transaction):
    """Changes of commands, of the executor's row and of the acquisitions."""

    def claim_next_command(
        self, site: str, passing_over: Collection[int] = ()
    ) -> CommandRecord | None:
        """Take the oldest waiting command in hand; the one in hand comes again until answered.

        One whose act on the server is being carried out is answered by that act; those
        that are passed over wait their turn.
        """
        columns = tables.commands.c
        moving = sa.select(tables.moves.c.command_id).where(
            tables.moves.c.site == site, tables.moves.c.state.not_in(FINISHED_MOVE_STATES)
        )
        statement = (
            sa.select(tables.commands)
            .where(columns.site == site)
            .where(columns.state.in_([CommandState.CLAIMED, CommandState.WAITING]))
            .where(columns.command_id.not_in(moving), columns.command_id.not_in(passing_over))
            .order_by(columns.state == CommandState.WAITING, columns.command_id)
            .limit(1)
        )
        row = self.select(statement).first()
        if row is None:
            return None
        if row.state is CommandState.WAITING:
            values = {"state": CommandState.CLAIMED, "claimed_at": self.now}
            self.update(tables.commands, {"command_id": row.command_id}, values)
            self.add_move(site, f"command {row.command_id}", row.state, CommandState.CLAIMED)
        return CommandRecord(
            command_id=row.command_id,
            site=row.site,
            kind=row.kind,
            arguments=row.arguments,
            operator=row.operator,
            state=CommandState.CLAIMED,
            answer=row.answer,
            asked_at=row.asked_at,
            answered_at=None,
        )

    def answer_command(self, command_id: int, state: CommandState, answer: str) -> None:
        """Write the answer of the command in hand.

        Raises
        ------
        StoreError
            When the command is unknown, or was not in hand.
        """
        key = {"command_id": command_id}
        row = self.get(tables.commands, key)
        subject = f"command {command_id}"
        if not check_transition(subject, COMMAND_TRANSITIONS, row.state, state):
            return
        values = {"state": state, "answer": answer, "answered_at": self.now}
        self.update(tables.commands, key, values)
        self.add_event(
            row.site,
            "executor",
            subject,
            f"{row.kind} {state.value}",
            before=row.state.value,
            after=state.value,
            reason=answer,
        )

    def executor_heartbeat(self, record: ExecutorRecord) -> None:
        """Replace the executor's word about itself; time alone calls no page."""
        key = {"site": record.site}
        values = {name: value for name, value in asdict(record).items() if name != "site"}
        known = self.find(tables.executors, key)
        if known is None:
            self.insert(tables.executors, key | values)
            self._tell_of_start(record)
            self._tell_of_link(record, "")
            return
        clock, before = ("beat_at", "synced_at"), known._asdict()
        is_quiet = all(before[name] == value for name, value in values.items() if name not in clock)
        self.update(tables.executors, key, values, quiet=is_quiet)
        if (known.pid, known.started_at) != (record.pid, record.started_at):
            self._tell_of_start(record)
        elif known.state is not record.state:
            subject = f"executor {record.site}"
            self.add_move(record.site, subject, known.state, record.state, reason=record.message)
        if known.link is not record.link:
            self._tell_of_link(record, known.link.value)

    def _tell_of_link(self, record: ExecutorRecord, before: str) -> None:
        """Write into the audit that the connection is another than before."""
        act, after = f"link {record.link.value}", record.link.value
        words = {"before": before, "after": after, "reason": record.link_message}
        self.add_event(record.site, "executor", f"link {record.site}", act, **words)

    def _tell_of_start(self, record: ExecutorRecord) -> None:
        """Write into the audit that another process is the executor now."""
        who = f"process {record.pid} on {record.host}, version {record.version}"
        subject = f"executor {record.site}"
        self.add_event(
            record.site, "executor", subject, "executor started", after=record.state, reason=who
        )

    def replace_acquisitions(self, site: str, found: Sequence[AcquisitionRecord]) -> None:
        """Replace the list of acquisitions that could be processed."""
        self.delete(tables.acquisitions, {"site": site})
        for record in found:
            self.insert(tables.acquisitions, {"site": site} | asdict(record))

    def add_command(self, values: Values) -> int:
        """Add a command once; the same key again gives the number of the first.

        Raises
        ------
        StoreError
            When the key was used for something else.
        """
        key = {"site": values["site"], "idempotency_key": values["idempotency_key"]}
        known = self.find(tables.commands, key)
        if known is not None:
            if (known.kind, known.arguments) != (values["kind"], values["arguments"]):
                raise StoreError(
                    f"key {values['idempotency_key']!r} was used for {known.kind} "
                    f"{known.arguments}; make a new key for each wish"
                )
            return int(known.command_id)
        new = {"state": CommandState.WAITING, "asked_at": self.now}
        command_id = self.insert(tables.commands, {**values, **new})
        self.add_event(
            str(values["site"]),
            str(values["operator"]),
            f"command {command_id}",
            f"{values['kind']} asked",
            after=str(values["arguments"]),
        )
        return command_id
