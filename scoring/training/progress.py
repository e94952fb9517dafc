"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Begin = Callable[[str], None]  # told the name of each step as it begins
OnStep = Callable[[str, float], None]  # told the step that begins and the share of the work done, 0..1


def nobody(step: str, done: float) -> None:
    """Tell nobody."""
