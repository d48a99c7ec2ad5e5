"""What a person sees of a long wait."""

from __future__ import annotations

import io

from polysilicon.engine import console_report


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_per_step_and_per_tenth():
    log = io.StringIO()
    with console_report(log) as report:
        report("asking")
        for part in range(101):
            report("downloading", part / 100)
        report("unpacking")
    lines = log.getvalue().splitlines()
    assert lines[:3] == ["asking", "downloading", "downloading (10 %)"]
    assert lines[-2:] == ["downloading (100 %)", "unpacking"]
    assert len(lines) == 13


def test_a_terminal_gets_a_bar_that_moves():
    terminal = Terminal()
    with console_report(terminal) as report:
        report("asking")
        report("downloading", 0.5)
    assert "downloading" in terminal.getvalue()
