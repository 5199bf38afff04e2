"""How a run ends: servers stopped whoever ends it, what failed readable, what was skipped named.

A skipped test must not look like a passed one.
"""

from __future__ import annotations

import signal
from collections import defaultdict

import pytest
import structlog
from _pytest.terminal import TerminalReporter


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl-C does: fixtures stop what they started.

    Logged errors have plain tracebacks: structlog's default draws thousands of lines for one that a
    worker meets again and again, which takes seconds.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    skipped = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", ()):
        if isinstance(report, pytest.TestReport) and isinstance(report.longrepr, tuple):
            skipped[report.longrepr[2].removeprefix("Skipped: ")].append(report.nodeid)
    if skipped:
        terminalreporter.section("not run", yellow=True)
    for reason, names in sorted(skipped.items()):
        terminalreporter.write_line(f"{reason}: {len(names)}")
        for name in names:
            terminalreporter.write_line(f"    {name}")

    figures = [
        (name, value)
        for report in terminalreporter.stats.get("passed", [])
        + terminalreporter.stats.get("failed", [])
        for name, value in report.user_properties
    ]
    if figures:
        terminalreporter.section("figures")
        for name, value in figures:
            terminalreporter.write_line(f"{name}: {value}")
