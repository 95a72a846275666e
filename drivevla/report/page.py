"""The shell of every report: one HTML page that needs no network, no font and no script from elsewhere."""

from functools import cache
from pathlib import Path
from typing import Any

from drivevla.errors import require
from drivevla.report.typography import duration, fixed, signed, whole
from drivevla.runs.atomic import write_text_atomically

__all__ = ["render_page", "write_page"]

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, **view: Any) -> str:
    """Fill in a template.

    Args:
        template: A file of ``templates/``; it extends ``page.html.j2`` and gets that page's styles and script.
        **view: What it shows. Text is escaped; markup comes as ``markupsafe.Markup``. A name that the template asks
            for and the view lacks is an error.

    Raises:
        MissingExtra: Jinja2 is not installed.
    """
    text: str = _environment().get_template(template).render(view)
    return text


def write_page(path: Path, html: str) -> None:
    """Write a page, whole or not at all; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(path, html)


@cache
def _environment() -> Any:
    jinja2 = require("jinja2", "report")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(fixed=fixed, signed=signed, whole=whole, duration=duration)
    return environment
