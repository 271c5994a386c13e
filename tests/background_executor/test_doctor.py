"""Whatever a server answers, a check that fails says what to do about it."""

from collections.abc import Sequence

import pytest

from background_executor.errors import RemoteFileError, UnreachableError
from background_executor.new_site.doctor import CHECKS, CheckState, Patient, examine
from background_executor.transport import CommandOutput, LocalTransport
from tests.background_executor.bench import Bench


class Answering(LocalTransport):
    """Gives one answer to every command, or none."""

    def __init__(self, answer: CommandOutput | Exception) -> None:
        self._answer = answer

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes | None = None,
    ) -> CommandOutput:
        """Answer whatever is asked."""
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    "answer",
    [
        CommandOutput(1, "", "it is broken"),
        CommandOutput(127, "", ""),
        CommandOutput(0, "nonsense", ""),
        RemoteFileError("the login shell ran no command"),
        UnreachableError("nobody is there"),
    ],
    ids=["fails", "not-found", "nonsense", "no-shell", "no-answer"],
)
def test_every_failure_names_what_to_do(bench: Bench, answer: CommandOutput | Exception) -> None:
    patient = Patient(bench.config.site, Answering(answer), bench.site.scheduler)
    found = list(examine(patient))
    failed = [finding for finding in found if finding.state is CheckState.FAILED]
    assert len(found) == len(CHECKS)
    assert failed
    assert [finding.check for finding in failed if not finding.fix] == []
