"""Completion in terminals of bash and zsh, if these are installed."""

from __future__ import annotations

import os
import re
import select
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
# Time limit in seconds for a shell to respond on a busy computer.
PATIENCE = 60.0
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SETUP = {
    "bash": "bind 'set enable-bracketed-paste off'",
    "zsh": "autoload -Uz compinit && compinit -D -u; unsetopt zle_bracketed_paste 2>/dev/null",
}
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\r\a]")


class Terminal:
    """A shell in a pseudo-terminal."""

    def __init__(self, shell: str, home: Path) -> None:
        self._shown = ""
        self._process, self._handle = pty.fork()
        if not self._process:
            environment = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
            environment |= {"TERM": "xterm", "PS1": "> ", "PYTHONPATH": os.pathsep.join(sys.path)}
            os.execvpe(SHELLS[shell][0], SHELLS[shell], environment)

    def type(self, text: str) -> None:
        """Send keys to the shell."""
        os.write(self._handle, text.encode())

    def wait_for(self, text: str) -> None:
        """Read the output of the shell until it contains a text."""
        end = time.monotonic() + PATIENCE
        while text not in self._shown:
            ready, _, _ = select.select([self._handle], [], [], max(end - time.monotonic(), 0))
            assert ready, f"{text!r} is not in {self._shown!r}"
            self._shown += _CONTROL.sub("", os.read(self._handle, 4096).decode(errors="replace"))

    def close(self) -> None:
        """Close the shell."""
        os.close(self._handle)
        os.waitpid(self._process, 0)


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """Yield a shell with completion."""
    shell = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    opened = Terminal(shell, tmp_path)
    opened.type(f'{SETUP[shell]}\neval "$(_ASTROQUERY_MAST_COMPLETE={shell}_source astroquery-mast)"; echo rea""dy\n')
    opened.wait_for("ready")
    yield opened
    opened.close()


def test_tab_completes_the_name_and_then_the_value_of_a_criterion(terminal: Terminal) -> None:
    """Completion adds a space after the value, but not after the equals sign."""
    terminal.type("astroquery-mast search obs_coll\t")
    terminal.wait_for("search obs_collection=")
    terminal.type("HS\t")
    terminal.wait_for("obs_collection=HST ")
