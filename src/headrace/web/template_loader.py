"""Templates: those of this package, and those beside modules of others."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from jinja2 import BaseLoader, Environment, PackageLoader, TemplateNotFound


class TemplateLoader(BaseLoader):
    """Finds a template by its name.

    ``macros/forms.html`` is a file of ``headrace/web/templates``; ``tides:page.html`` is
    ``templates/page.html`` beside the module, or in the package, ``tides``.
    """

    def __init__(self) -> None:
        self._own = PackageLoader("headrace.web")

    def list_templates(self) -> list[str]:
        """Return the names of the templates of this package."""
        return self._own.list_templates()

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """Return the text of a template, its file, and whether it is as it was.

        Raises:
            TemplateNotFound: there is none of this name.
        """
        module, colon, name = template.rpartition(":")
        if not colon:
            return self._own.get_source(environment, template)
        path = _folder(module, template).joinpath(name)
        if ".." in PurePosixPath(name).parts:
            raise TemplateNotFound(template)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            raise TemplateNotFound(template, f"{path}: cannot be read") from None
        return text, str(path), None


def _folder(module: str, template: str) -> Path:
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise TemplateNotFound(template, f"{template}: there is no module {module}")
    return Path(spec.origin).parent / "templates"
