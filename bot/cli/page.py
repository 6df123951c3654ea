"""Reports as one HTML page each, to read on a phone and to print; they load nothing."""

from pathlib import Path
from typing import Any


def render(template: str, /, **values: Any) -> str:
    """Return the template beside this module, filled; what is set in is escaped."""
    import jinja2

    beside = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, loader=beside)
    return house.get_template(template).render(**values)
