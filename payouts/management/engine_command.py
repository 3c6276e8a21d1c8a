"""What the engine's commands share: one line on stderr for a mistake, one line of JSON as the answer."""

import argparse
import json
import re
import sys
from contextlib import AbstractContextManager
from typing import Any, NoReturn

import pghistory
from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    handle_default_options,
)
from django.db import OperationalError, ProgrammingError, connections

from payouts.month import Month, NotAMonth
from payouts.refusal import Refusal

_NO_SUCH_TABLE = "42P01"


class _OneLineParser(CommandParser):
    """argparse prints its usage before the fault; people and scripts want the fault."""

    def error(self, message: str) -> NoReturn:
        raise WrongArgument(f"{message} (see --help)")


class WrongArgument(CommandError):
    """The command was called in a way that cannot be meant."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class EngineCommand(BaseCommand):
    """Talk goes to stderr; the last line of stdout is the answer."""

    requires_system_checks: list[str] = []

    @property
    def name(self) -> str:
        """As the history of what it changes names it."""
        return type(self).__module__.rpartition(".")[2]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = _OneLineParser(
            prog=f"{prog_name.rsplit('/', 1)[-1]} {subcommand}",
            description=self.help or None,
            formatter_class=argparse.HelpFormatter,
            **kwargs,
        )
        self.add_base_argument(parser, "--version", action="version", version=self.get_version())
        self.add_base_argument(parser, "--settings", help="The settings module to use.")
        self.add_base_argument(parser, "--pythonpath", help="A folder to add to Python's path.")
        self.add_base_argument(
            parser, "--traceback", action="store_true", help="Show where an error came from."
        )
        self.add_base_argument(parser, "--no-color", action="store_true", help="No colours.")
        self.add_base_argument(parser, "--force-color", action="store_true", help="Colours.")
        self.add_base_argument(
            parser, "-v", "--verbosity", default=1, type=int, choices=[0, 1, 2, 3], help="Talk."
        )
        self.add_base_argument(parser, "--skip-checks", action="store_true", help=argparse.SUPPRESS)
        self.add_arguments(parser)
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django's, but a refusal is one plain sentence, without the name of a Python class."""
        try:
            options = vars(self.create_parser(argv[0], argv[1]).parse_args(argv[2:]))
            handle_default_options(argparse.Namespace(**options))
            self.execute(*options.pop("args", ()), **options)
        except CommandError as problem:
            self.say(str(problem))
            sys.exit(problem.returncode)
        except KeyboardInterrupt:
            self.say("interrupted; what was booked stays booked")
            sys.exit(130)
        finally:
            connections.close_all()

    def in_history(self) -> AbstractContextManager[Any]:
        """Names the command beside every change that it makes; one that migrates enters it afterwards."""
        return pghistory.context(command=self.name)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with self.in_history():
                return super().execute(*args, **options)
        except Refusal as refusal:
            raise CommandError(str(refusal), returncode=1) from None
        except ProgrammingError as problem:
            if getattr(problem.__cause__, "sqlstate", "") != _NO_SUCH_TABLE:
                raise
            says = "the database is not up to date: run `python manage.py migrate` first"
            raise CommandError(says, returncode=1) from None
        except OperationalError as problem:
            raise CommandError(f"the database does not answer: {problem}", returncode=1) from None
        except BrokenPipeError:
            raise CommandError("the reader of the output went away", returncode=1) from None

    def answer(self, value: dict[str, Any]) -> None:
        try:
            self.stdout.write(json.dumps(value, ensure_ascii=False))
        except BrokenPipeError:
            raise
        except (OSError, AttributeError):  # a full disk; or closed from the start, and then it is None
            raise CommandError("it is done, but the answer could not be written", returncode=1) from None

    def say(self, sentence: str) -> None:
        self.stderr.write(" ".join(sentence.split()), self.style.NOTICE)


def month(text: str) -> Month:
    """A month as an argument."""
    try:
        return Month.parse(text)
    except NotAMonth as problem:
        raise WrongArgument(str(problem)) from None


def code(text: str) -> int:
    """A broker code as an argument."""
    if re.fullmatch("[0-9]{1,5}", text) is None or int(text) > 65_535:
        raise WrongArgument(f"'{text}' is not a broker code: a number from 0 to 65535")
    return int(text)
