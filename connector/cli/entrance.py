"""The way in and out: every command ends here with an exit code and one clear text.

Errors of the connector end with their own code and no traceback; anything else is a defect of
ours and shows its traceback, without secrets, and ends with 1.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from typer.core import TyperGroup

from connector.cli.redaction import hide_secrets
from connector.cli.session import Session

INTERRUPTED = 130
USAGE = 2
DEFECT = 1


class Entrance(TyperGroup):
    """The top group: starts a `Session`, runs the command, ends the process."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - it always ends the process
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> None:
        words = list(sys.argv[1:] if args is None else args)
        session = Session(is_json="--json" in words[: _index(words, "--")])
        run = super().main

        def work() -> Any:
            return run(
                words,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                obj=session,
                **extra,
            )

        with _interruptible():
            exit_code = conclude(session, work)
        sys.exit(exit_code)


def _index(words: Sequence[str], word: str) -> int:
    return words.index(word) if word in words else len(words)


def conclude(session: Session, work: Callable[[], Any]) -> int:
    """The exit code of `work`; what it raises is told."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")  # dlt reports to nobody
    try:
        exit_code = int(work() or 0)
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last one to see it: it is told, never dropped
        return _tell(session, error)
    if exit_code == INTERRUPTED and not session.has_answered:
        session.fail("interrupted; what was finished is kept, the next run goes on", INTERRUPTED)
    return exit_code


def _tell(session: Session, error: Exception) -> int:
    from connector.errors import ConnectorError

    if isinstance(error, ConnectorError):
        return session.fail(str(error), error.exit_code)
    if hasattr(error, "format_message"):  # typer's own: a wrong option or argument
        return session.fail(_explain_usage(error), USAGE)
    if type(error).__name__ == "Abort":
        return session.fail("aborted; nothing was changed", INTERRUPTED)
    sys.stderr.write(hide_secrets("".join(traceback.format_exception(error))))
    text = f"unexpected {type(error).__name__}: {error}. This is a defect: please report it."
    return session.fail(text, DEFECT)


def _explain_usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    hint = f" See `{context.command_path} --help`." if context else ""
    return f"{error.format_message()}{hint}"


@contextmanager
def _interruptible() -> Iterator[None]:
    """The first Ctrl-C lets what is under way end cleanly; the second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop_at_once(_number: int, _frame: FrameType | None) -> None:
        os._exit(INTERRUPTED)  # safe at any instant: the next run undoes what is half done

    def stop(number: int, frame: FrameType | None) -> None:
        if _dlt_was_asked_to_stop():
            stop_at_once(number, frame)
        signal.signal(signal.SIGINT, stop_at_once)
        os.write(2, b"\ninterrupted: finishing what is under way; Ctrl-C again stops at once\n")
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _dlt_was_asked_to_stop() -> bool:
    """True when dlt took the first signal, while it was loading, and hands on the second."""
    if "dlt" not in sys.modules:
        return False
    from dlt.common.runtime.signals import was_signal_received

    return was_signal_received()
