"""XML with line numbers: small trees whose elements know where they stand, so that messages can say so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from drivevla.errors import DataError

__all__ = ["Element", "parse_xml"]


@dataclass(slots=True)
class Element:
    """One element.

    Attributes:
        tag: Its name.
        attributes: As written.
        origin: Where the document came from and the line of the opening tag.
        children: Elements inside it; text is not kept.
    """

    tag: str
    attributes: dict[str, str]
    origin: str
    children: list["Element"] = field(default_factory=list)

    def find(self, tag: str) -> "Element | None":
        """The first child of that name."""
        return next((child for child in self.children if child.tag == tag), None)

    def find_all(self, tag: str) -> Iterator["Element"]:
        """Every child of that name."""
        return (child for child in self.children if child.tag == tag)

    def text(self, attribute: str) -> str:
        """An attribute that must be there and not empty.

        Raises:
            DataError: It is missing or empty.
        """
        value = self.attributes.get(attribute, "")
        if not value:
            known = ", ".join(sorted(self.attributes)) or "none"
            raise DataError(f"{self.origin}: <{self.tag}> needs the attribute {attribute!r} (it has {known})")
        return value

    def number(self, attribute: str) -> float:
        """An attribute that must be a finite number.

        Raises:
            DataError: It is missing, or is none.
        """
        written = self.text(attribute)
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(f"{self.origin}: {attribute} of <{self.tag}> must be a finite number, got {written!r}")
        return value


def parse_xml(data: bytes, *, origin: str) -> Element:
    """The root element of a document.

    Args:
        data: The document.
        origin: Where it came from, for messages.

    Raises:
        DataError: The XML is broken (the message has line and column) or declares a document type.
    """
    parser = expat.ParserCreate()
    top = Element("", {}, origin)
    open_elements = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, f"{origin}, line {parser.CurrentLineNumber}")
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def refuse(*_: object) -> None:
        line = parser.CurrentLineNumber
        raise DataError(f"{origin}, line {line}: a document type is not accepted; entities are not expanded")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise DataError(f"{origin} is broken XML: {what} at line {error.lineno}, column {error.offset + 1}") from error
    return top.children[0]
