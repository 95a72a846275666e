"""Numbers out of an OpenDRIVE text's attributes, each finite or refused."""

import math
from xml.etree import ElementTree as ET

from drivevla.errors import DataError

__all__ = ["number_of"]


def number_of(element: ET.Element, attribute: str, default: float | None = None) -> float:
    """The value of an attribute.

    Args:
        element: Where it stands.
        attribute: Its name.
        default: Its value where the text leaves it out.

    Raises:
        DataError: It is missing without a default, no number, or not finite.
    """
    text = element.get(attribute)
    if text is None and default is not None:
        return default
    try:
        value = float(text or "")
    except ValueError as error:
        raise DataError(f"{attribute} of <{element.tag}> must be a number, got {text!r}") from error
    if not math.isfinite(value):
        raise DataError(f"{attribute} of <{element.tag}> must be finite, got {value}")
    return value
