"""Where the committed expected values lie, and how a number is written there."""

from pathlib import Path

EXPECTED = Path(__file__).resolve().parents[2] / "crates" / "conformance" / "expected"


def number(value, digits=8):
    """A float rounded to significant digits, which keeps the files small (8 digits are beyond f32's precision)."""
    return float(f"{value:.{digits - 1}e}")
