"""The environment of a subcommand: servers, token, log, warnings, and error messages.

In: the options of all subcommands.  Out: a context that ends with an exit code and at most one error message.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import click
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning
from astroquery import log

import astroquery_mast as mast

from ..config import conf
from ..exceptions import (
    AuthenticationWarning,
    FootprintParseError,
    InvalidQueryError,
    LoginError,
    RemoteServiceError,
    ResolverError,
    SavedSearchError,
    TimeoutError,
    presentable,
)
from ..service.connections import LOOPBACK
from ..service.token_sources import ENVIRONMENT, TOKEN_FILE, environment_has_token, stored_token
from ..warn import warn_user
from .exits import LOGIN_ADVICE, CommandFailed, ExitCode, usage_failure
from .inputs import read_inputs, read_table
from .output import OutputChoice, show_table, write_json

# Settings for the sandbox, which has all services at one address.
_SERVERS = (
    *("server", "catalogs_server", "resolver_server", "hla_server", "archive_server", "gsss_server"),
    *("casjobs_server", "programs_server"),
)
_COMMANDS = {
    "limit=None": "--limit 0",
    "Use login(), or set the": "Run 'astroquery-mast login', or set the",
    "Pass one to login(), or set the": "Run 'astroquery-mast login', or set the",
    "log in with a token, using login(token) or the": "run 'astroquery-mast login', or set the",
}
_CLOUD = "/s3/stpubdata"
_USAGE = (InvalidQueryError, FootprintParseError, SavedSearchError, ResolverError)
_ARCHIVE = (RemoteServiceError, TimeoutError)
_INTERRUPTED = "Interrupted. Complete files are kept: run the same command again to continue."


def _settings_for(server: str, host: str) -> dict[str, str]:
    """Return the settings for a server; a server on this computer is a sandbox with all services and the cloud."""
    if host not in LOOPBACK:
        return {"server": server}
    return {**dict.fromkeys(_SERVERS, server), "cloud_server": f"{server}{_CLOUD}", "fallback_registry": ""}


class _Messages(logging.Handler):
    """A log handler that writes to standard error, without module names, and each warning once."""

    def __init__(self) -> None:
        super().__init__()
        self._written: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a log message."""
        self.write(record.getMessage(), "" if record.levelno == logging.INFO else record.levelname.capitalize())

    def warn(self, message: Warning | str, *_where: Any, **_options: Any) -> None:
        """Write a Python warning without the source line."""
        self.write(str(message), "Warning")

    def write(self, text: str, kind: str) -> None:
        """Write a message, unless it is a repeated warning."""
        text = as_typed(text)
        line = f"{kind}: {text}" if kind else text
        if kind != "Warning" or line not in self._written:
            self._written.add(line)
            click.echo(line, err=True)


class Session:
    """The environment in which a subcommand runs.

    Parameters
    ----------
    server : str, optional
        The URL of another server.  A server on this computer is used for all services.
    sandbox : bool, default False
        Whether to start a sandbox and use it.
    token_file : str, optional
        A file with a token, which replaces tokens in the environment.
    timeout : float, optional
        The time limit for each call in seconds.  Defaults to ``conf.timeout``.
    quiet, verbose : bool, default False
        Whether to write fewer or more messages.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        sandbox: bool = False,
        token_file: str | None = None,
        timeout: float | None = None,
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self.bars = not quiet
        self.timeout = timeout
        self._server, self._sandbox, self._token_file = server, sandbox, token_file
        self._quiet, self._verbose = quiet, verbose
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Set up messages first, then servers and the token."""
        with ExitStack() as stack:
            stack.enter_context(_reported_errors(verbose=self._verbose))
            stack.enter_context(_messages(quiet=self._quiet, verbose=self._verbose))
            self._set_addresses(stack)
            if self._token_file is not None:
                stack.enter_context(_token_from(self._token_file))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Undo the setup in reverse order; errors become messages."""
        return self._stack.__exit__(kind, error, trace)

    def _set_addresses(self, stack: ExitStack) -> None:
        """Set the servers and the timeout."""
        if self._server is not None and self._sandbox:
            raise usage_failure("--server and --sandbox cannot be combined.")
        if self.timeout is not None:
            stack.enter_context(conf.set_temp("timeout", self.timeout))
        if self._sandbox:
            from ..sandbox import Sandbox  # noqa: PLC0415 - an optional dependency

            stack.enter_context(Sandbox())
        if self._server is not None:
            address = urlsplit(self._server)
            if address.scheme not in {"http", "https"} or not address.hostname:
                raise usage_failure(f"--server must be a URL such as https://mast.stsci.edu, got {self._server!r}.")
            for name, value in _settings_for(self._server.rstrip("/"), address.hostname).items():
                stack.enter_context(conf.set_temp(name, value))

    def log_in_if_stored(self) -> None:
        """Log in with the token in the system's keyring, if any, unless the environment has a token."""
        if environment_has_token() or (token := stored_token()) is None:
            return
        try:
            mast.Mast.login(token)
        except LoginError as err:
            warn_user(f"The token in the keyring was not accepted: {err}", AuthenticationWarning)

    # -- messages --------------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Write a message to standard error, unless --quiet is set."""
        if not self._quiet:
            click.echo(text, err=True)

    def ask(self, question: str) -> bool:
        """Ask a question on the terminal."""
        return click.confirm(question, err=True)

    # -- tables ----------------------------------------------------------------------------------------------------

    def read_table(self, name: str) -> Table:
        """Read a table from a file, or from standard input if the name is ``-``."""
        return read_table(name)

    def read_inputs(self, words: list[str]) -> list[Any]:
        """Read the tables among the words; other words, such as dataURIs, are returned unchanged."""
        return read_inputs(words)

    def show(self, found: Any, choice: dict[str, Any], what: str = "row") -> None:
        """Print or write a table, with an exit code if it is empty; print the request after a dry run."""
        if not isinstance(found, Table):
            write_json(found)
            return
        show_table(found, OutputChoice(**choice), self.note, what)
        if not len(found):
            raise CommandFailed("", ExitCode.INCOMPLETE)

    def show_json(self, value: Any) -> None:
        """Print a value that is not a table."""
        write_json(value)


@contextmanager
def _reported_errors(*, verbose: bool) -> Iterator[None]:
    """Convert exceptions to a message and an exit code."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort) as err:
        # After a prompt, the cursor is still on its line.
        before = "\n" if isinstance(err, click.Abort) else ""
        raise _failed(before + _INTERRUPTED, ExitCode.INTERRUPTED, err, verbose=verbose) from None
    except BrokenPipeError:
        _close_output()
        raise CommandFailed("", ExitCode.CLOSED_PIPE) from None
    except LoginError as err:
        raise _failed(f"Error: {err}\n{LOGIN_ADVICE}", ExitCode.LOGIN, err, verbose=verbose) from None
    except _USAGE as err:
        raise _failed(f"Error: {err}", ExitCode.USAGE, err, verbose=verbose) from None
    except _ARCHIVE as err:
        raise _failed(f"Error: {err}", ExitCode.ARCHIVE, err, verbose=verbose) from None
    except ModuleNotFoundError as err:
        message = f"Error: this command requires {err.name}: pip install 'astroquery_mast[sandbox]'"
        raise _failed(message, ExitCode.USAGE, err, verbose=verbose) from None
    except OSError as err:
        raise _failed(f"Error: {presentable(err)}", ExitCode.USAGE, err, verbose=verbose) from None


def _failed(message: str, code: ExitCode, error: BaseException, *, verbose: bool) -> CommandFailed:
    """Return the failure of a subcommand; print a traceback if --verbose is set."""
    if verbose:
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    return CommandFailed(as_typed(message), code)


def as_typed(message: str) -> str:
    """Replace Python calls in a message of the library by the equivalent commands."""
    for call, typed in _COMMANDS.items():
        message = message.replace(call, typed)
    return message


def _close_output() -> None:
    """Prevent Python from writing to the closed pipe again when it exits."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a file of the operating system
        return


@contextmanager
def _messages(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """Write the log and the warnings of astropy and this package to standard error."""
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    for stream in (sys.stdout, sys.stderr):
        # Characters that the terminal cannot encode are replaced instead of raising an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    messages = _Messages()
    log.handlers[:] = [messages]
    log.propagate = False
    log.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", AstropyWarning)
            warnings.showwarning = messages.warn
            yield
    finally:
        log.handlers[:] = handlers
        log.propagate = propagate
        log.setLevel(level)


@contextmanager
def _token_from(name: str) -> Iterator[None]:
    """Use the token in a file, and ignore tokens in the environment."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise usage_failure(f"--token-file: the file {name!r} does not exist.")
    before = {variable: os.environ.pop(variable) for variable in (*ENVIRONMENT, TOKEN_FILE) if variable in os.environ}
    os.environ[TOKEN_FILE] = str(path)
    try:
        yield
    finally:
        os.environ.pop(TOKEN_FILE, None)
        os.environ.update(before)
