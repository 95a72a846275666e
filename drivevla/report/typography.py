"""Numbers as a reader wants them: a real minus sign, thin spaces, no digits that mean nothing."""

import math

__all__ = ["NO_VALUE", "count_of", "duration", "fixed", "signed", "whole"]

NO_VALUE = "–"
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"


def fixed(value: float | None, digits: int = 1) -> str:
    """A number with so many digits behind the point; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    text = f"{value:.{digits}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def signed(value: float | None, digits: int = 1) -> str:
    """A difference: its sign is always there, but for 0."""
    text = fixed(value, digits)
    if text == NO_VALUE or text.startswith(_MINUS) or float(text) == 0.0:
        return text
    return f"+{text}"


def whole(value: int) -> str:
    """A count, in groups of three."""
    return f"{value:,}".replace(",", _THIN).replace("-", _MINUS)


def count_of(number: int, singular: str, plural: str | None = None) -> str:
    """A count with its word: "1 route", "3 routes"."""
    return f"{whole(number)} {singular if number == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """Seconds as "48.5 s", "3 min 12 s" or "2 h 05 min"."""
    if seconds < 100:
        return f"{fixed(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
