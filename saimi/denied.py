"""What the county's broker denied, counted from its log.

Mosquitto 2.0 counts denials nowhere and says them only at log level debug, by client id; whose id
that is was said when the client connected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_CONNECTED = re.compile(r"New client connected from \S+ as (.{1,200}) \(p\d.*, u'([^']{1,200})'\)")
_DENIED = re.compile(r"Denied PUBLISH from (.{1,200}?) \(d\d, q\d")
# Clients whose name is remembered at once; a log of months has more, the oldest are forgotten.
_MOST_CLIENTS = 100_000


def count_denied(lines: Iterable[str]) -> Counter[str]:
    """Number of publishes denied, by user; a client whose user the log does not say is `?`."""
    users: dict[str, str] = {}
    denied: Counter[str] = Counter()
    for line in lines:
        if (found := _DENIED.search(line)) is not None:
            denied[users.get(found[1], "?")] += 1
        elif (found := _CONNECTED.search(line)) is not None:
            if len(users) >= _MOST_CLIENTS:
                users.pop(next(iter(users)))
            users[found[1]] = found[2]
    return denied
