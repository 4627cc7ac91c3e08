"""How the file-based commands speak: people read stderr, programs one JSON line on stdout."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation.engine.errors import EngineError
from segmentation.interchange.errors import InterchangeError

DONE, FAILED, MISUSED = 0, 1, 2


@dataclass(frozen=True)
class Outcome:
    """What a command says at its end: the JSON, and whether all went well."""

    answer: Mapping[str, Any]
    code: int = DONE


class UsageError(Exception):
    """The command was called with arguments that cannot mean anything."""


class FileCommand(BaseCommand):
    """A command over files that needs no database and ends with 0, 1 (failures) or 2 (misuse).

    With ``--json`` exactly one line goes to stdout, at the end; everything else goes to stderr.
    """

    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that raises, so that what it refuses is told as all else is."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except CommandError as error:  # only words that the parser refuses come this far
            self.say(self.create_parser(argv[0], argv[1]).format_usage().rstrip())
            words = str(error).removeprefix("Error: ")
            sentence = f"{words[:1].upper()}{words[1:].rstrip('.')}."
            outcome = self._failed("usage", sentence, MISUSED)
            self._end(outcome, as_json="--json" in argv)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="end with one line of JSON on stdout"
        )
        self.add_own_arguments(parser)

    def add_own_arguments(self, parser: CommandParser) -> None:
        """The arguments of the one command."""
        raise NotImplementedError

    def run(self, options: Mapping[str, Any]) -> Outcome:
        """Do the work."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = self.run(options)
        except UsageError as error:
            outcome = self._failed("usage", str(error), MISUSED)
        except (EngineError, InterchangeError) as error:
            outcome = self._failed(error.code, str(error), FAILED)
        except OSError as error:
            sentence = f"{error.filename or 'A file'} cannot be read or written: {error.strerror}."
            outcome = self._failed("file_error", sentence, FAILED)
        self._end(outcome, options["json"])

    def _end(self, outcome: Outcome, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(outcome.answer, ensure_ascii=False, allow_nan=False))
        if outcome.code:
            self.stdout.flush()
            sys.exit(outcome.code)

    def say(self, sentence: str) -> None:
        """Tell a person something."""
        self.stderr.write(sentence)
        self.stderr.flush()

    def _failed(self, code: str, sentence: str, exit_code: int) -> Outcome:
        self.say(sentence)
        return Outcome({"error": {"code": code, "message": sentence}}, exit_code)


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a question that work may ask; a second one kills."""
    asked = False

    def ask(number: int, _: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, signal.SIG_DFL)

    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not the main thread: nobody sends it signals
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def from_one(word: str) -> int:
    """A whole number from 1, as the type of an argument."""
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise argparse.ArgumentTypeError(f"{word!r} is not a whole number from 1.")
    return int(word)


def above_zero(word: str) -> float:
    """A number above 0, as the type of an argument."""
    number = _number(word)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number above 0.")
    return number


def share(word: str) -> float:
    """A number from 0 to 1, as the type of an argument."""
    number = _number(word)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number from 0 to 1.")
    return number


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Columns padded to a readable width, the first to the left, figures to the right."""
    widths = [max(len(row[k]) for row in [heads, *rows]) for k in range(len(heads))]
    lines = []
    for row in [heads, *rows]:
        cells = [
            cell.rjust(widths[k]) if k else cell.ljust(widths[k]) for k, cell in enumerate(row)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def figure(value: float | None) -> str:
    """A figure for a table; a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"
