"""The configuration file of the command line: default values of options, in TOML.

In: the file named in ``ASTROQUERY_MAST_CONFIG``, or ``config.toml`` in the user's configuration folder.  Out: the
``default_map`` of click.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from .exits import CommandFailed, usage_failure

CONFIG_VARIABLE = "ASTROQUERY_MAST_CONFIG"
COMMON_SECTION = "common"
_PROGRAM = "astroquery-mast"


def user_folder() -> Path:
    """Return the user's configuration folder on this system."""
    return Path(click.get_app_dir(_PROGRAM))


def config_path() -> Path:
    """Return the path of the configuration file, which may not exist."""
    named = os.environ.get(CONFIG_VARIABLE, "").strip()
    return Path(named).expanduser() if named else user_folder() / "config.toml"


def read_defaults(group: click.Group, ctx: click.Context) -> dict[str, Any]:
    """Return the defaults of all subcommands; empty without a file."""
    path = config_path()
    if not path.exists() and not os.environ.get(CONFIG_VARIABLE, "").strip():
        return {}
    written = _read(path)
    common = written.pop(COMMON_SECTION, {})
    if not isinstance(common, dict):
        raise _failure(path, f"[{COMMON_SECTION}] must be a section.")
    defaults = _group_defaults(path, group, ctx, written, common)
    _check_common(path, group, ctx, common)
    return defaults


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as err:
        raise _failure(path, err.strerror or str(err)) from err
    except ValueError as err:  # TOML, or the encoding
        raise _failure(path, f"not valid TOML: {err}") from err


def _failure(path: Path, message: str) -> CommandFailed:
    return usage_failure(f"configuration file {path}: {message}")


def _group_defaults(
    path: Path, group: click.Group, ctx: click.Context, written: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the defaults of the subcommands in a group."""
    names = group.list_commands(ctx)
    for name in written:
        if name not in names:
            raise _failure(path, f"[{name}] is not a subcommand.{_hint(name, [*names, COMMON_SECTION])}")
    defaults = {}
    for name in names:
        command, section = group.get_command(ctx, name), written.get(name, {})
        if not isinstance(section, dict):
            raise _failure(path, f"{name} must be a section: [{name}].")
        if isinstance(command, click.Group):
            defaults[name] = _group_defaults(path, command, ctx, section, common)
        elif command is not None:
            defaults[name] = _command_defaults(path, name, command, section, common)
    return defaults


def _options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a subcommand by their long names."""
    named = [(opt, param) for param in command.params if isinstance(param, click.Option) for opt in param.opts]
    return {opt.removeprefix("--"): param for opt, param in named if opt.startswith("--")}


def _command_defaults(
    path: Path, name: str, command: click.Command, section: Mapping[str, Any], common: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the defaults of a subcommand by parameter name."""
    options, defaults = _options(command), {}
    for key, value in [*common.items(), *section.items()]:
        option = options.get(key.replace("_", "-"))
        if option is None and key in section:
            raise _failure(path, f"{key!r} in [{name}] is not an option of {name}.{_hint(key, list(options))}")
        if option is not None and option.name is not None:
            _check_kind(path, name, key, option, value)
            defaults[option.name] = [value] if option.multiple and not isinstance(value, list) else value
    return defaults


def _check_kind(path: Path, name: str, key: str, option: click.Option, value: Any) -> None:
    """Raise an error if the type of a value is wrong for its option; click checks the rest."""
    if option.is_flag and not isinstance(value, bool):
        raise _failure(path, f"{key!r} in [{name}] must be true or false.")
    if not option.is_flag and (isinstance(value, bool) or not isinstance(value, str | int | float | list)):
        raise _failure(path, f"{key!r} in [{name}] must be text, a number or a list.")


def _check_common(path: Path, group: click.Group, ctx: click.Context, common: Mapping[str, Any]) -> None:
    """Raise an error for an option that no subcommand has."""
    commands = [group.get_command(ctx, name) for name in group.list_commands(ctx)]
    known = {option for command in commands if command is not None for option in _options(command)}
    for key in common:
        if key.replace("_", "-") not in known:
            raise _failure(path, f"{key!r} in [{COMMON_SECTION}] is not an option.{_hint(key, sorted(known))}")


def _hint(name: str, known: list[str]) -> str:
    near = get_close_matches(name.replace("_", "-"), known, 1)
    return f" Did you mean {near[0]!r}?" if near else ""
