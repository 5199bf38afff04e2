"""`saimi replay`: recorded data through MQTT, like any other gateway's."""


def replay() -> None:
    """Replay recorded data."""
