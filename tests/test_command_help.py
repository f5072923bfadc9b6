"""Every command of both programs explains itself, and wrong usage is told with exit code 2."""

import importlib
import re

import pytest


def run(program, *arguments):
    """The exit code; argparse may end the program itself."""
    try:
        return importlib.import_module(f"{program}.__main__").main(list(arguments))
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("program", ["backend", "training"])
def test_every_command_has_help(program, capsys):
    assert run(program, "--help") == 0
    commands = re.findall(r"^    ?([a-z][a-z-]*)(?:  |$)", capsys.readouterr().out, re.MULTILINE)
    assert len(commands) >= 3, commands
    for command in commands:
        assert run(program, command, "--help") == 0, command
        said = capsys.readouterr()
        assert said.out.startswith(f"usage: python -m {program} {command}"), command
        assert said.err == ""
        assert run(program, command, "--no-such-option") == 2, command
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("program", ["backend", "training"])
@pytest.mark.parametrize("arguments", [[], ["no-such-command"]])
def test_wrong_usage_is_exit_code_2(program, arguments, capsys):
    assert run(program, *arguments) == 2
    assert "usage:" in capsys.readouterr().err
