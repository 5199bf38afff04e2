"""How tests are shared out when several processes run them at once (pytest-xdist's `-n`).

Every process has servers, brokers and folders of its own, so tests of one never meet another's.
The tests of a file stay together and in order, because they share what the file has started.
Files begin in order too, the acceptance tests, which take longest, first.
"""

from __future__ import annotations

import os

import pytest

_PER_CORE = 2
"""Most tests wait: for a server's start, for an answer, for a page."""
_MOST = 8
"""With more, starting servers takes longer than it saves."""


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means."""
    return min(_PER_CORE * (os.cpu_count() or 1), _MOST)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the options in the same hook
def pytest_cmdline_main(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False  # it would begin with the files of most tests
