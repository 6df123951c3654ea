"""A stopwatch that a test turns."""


class Ticks:
    """Tells the seconds that a test has set."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at
