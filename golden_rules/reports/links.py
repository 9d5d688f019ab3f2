"""Links from dashboards, alerts and pages to the source."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from golden_rules.catalogue.metrics import Declaration
from golden_rules.errors import UsageError

_HOSTED = re.compile(r"https?://(?:www\.)?(github\.com|gitlab\.com)/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
_NAMES = ("source", "source code", "repository", "code", "homepage")


@dataclass(frozen=True, slots=True)
class Links:
    """How places in the code become addresses.

    Attributes:
        template: An address with `{path}` and `{line}`; empty where there are no links.
    """

    template: str = ""

    def url(self, place: Declaration) -> str:
        """Return the address of a place, or `""`."""
        return self.template.replace("{path}", quote(place.root_path)).replace("{line}", str(place.line))

    def text(self, place: Declaration) -> str:
        """Return a place as people type it: `src/shop/orders.py:14`."""
        return f"{place.root_path}:{place.line}"

    def markdown(self, place: Declaration) -> str:
        """Return a place in Markdown, as a link where there are links, with what stands there."""
        function = f" `{place.function}`" if place.function else ""
        url = self.url(place)
        return f"[{self.text(place)}]({url}){function}" if url else f"`{self.text(place)}`{function}"


def links_for(root: Path, template: str | None) -> Links:
    """Return the links by a template that the user gives, or by the repository that pyproject.toml names.

    Raises UsageError for a template without `{path}`.
    """
    if template is not None:
        if "{path}" not in template:
            raise UsageError("`--source-url` must hold `{path}`, such as `https://git.example/{path}#L{line}`")
        return Links(template)
    for url in _project_urls(root):
        if match := _HOSTED.fullmatch(url):
            host, owner, name = match.groups()
            middle = "/-/blob/HEAD/" if host == "gitlab.com" else "/blob/HEAD/"
            return Links(f"https://{host}/{owner}/{name}{middle}{{path}}#L{{line}}")
    return Links()


def _project_urls(root: Path) -> list[str]:
    """Return the addresses of the project, the likeliest to be that of its source first."""
    try:
        document = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    project = document.get("project")
    urls = project.get("urls") if isinstance(project, Mapping) else None
    if not isinstance(urls, Mapping):
        return []
    by_name = {str(name).lower(): url for name, url in urls.items() if isinstance(url, str)}
    return [by_name[name] for name in _NAMES if name in by_name]
