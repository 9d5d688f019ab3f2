"""The catalogue: which series a code base exposes, and the places in the code that make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from golden_rules.catalogue.series import Series
from golden_rules.objectives import Objective


@dataclass(frozen=True, slots=True)
class Declaration:
    """A place in the code that makes series.

    Attributes:
        maker: What makes them: `track_request`, `CircuitBreaker`, `Counter`.
        written: How that stands in the code: `@track_request("shop.buy")`.
        subject: The constant name it is given, or its default: an operation, an adapter, a queue; `""` where it is none.
        path: The file as the user would type it.
        root_path: The file relative to the project's root, with `/`.
        line: The line it stands on.
        function: The qualified name of the function it measures or stands in; `""` for the module.
        app: The app that it counts for.
        series: What it exposes, namespace included; none where its name is no constant.
        buckets: The upper bounds of its histograms in seconds; None where they cannot be told.
        from_runtime: Whether the runtime makes them, so that the namespace applies.
    """

    maker: str
    written: str
    subject: str
    path: str
    root_path: str
    line: int
    function: str
    app: str
    series: tuple[Series, ...]
    buckets: tuple[float, ...] | None
    from_runtime: bool

    @property
    def made_late(self) -> bool:
        """Whether the series are there only once the function has run, as with a timer in its body."""
        return bool(self.function) and not self.written.startswith("@")


@dataclass(frozen=True, slots=True)
class Metric:
    """One series with all the places that make it; where they disagree, the first one counts (GR404 tells)."""

    series: Series
    places: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All series of a run over many files.

    Attributes:
        declarations: The places whose series are known, by app, path and line.
        unnamed: The places whose name is no constant.
        files: How many files were read.
        objectives: What their configurations hold operations to.
    """

    declarations: tuple[Declaration, ...]
    unnamed: tuple[Declaration, ...]
    files: int
    objectives: tuple[Objective, ...] = ()

    def metrics(self) -> list[Metric]:
        """Return the series in the order of their names."""
        places: dict[str, list[Declaration]] = defaultdict(list)
        found: dict[str, Series] = {}
        for declaration in self.declarations:
            for series in declaration.series:
                found.setdefault(series.name, series)
                if declaration not in places[series.name]:
                    places[series.name].append(declaration)
        return [Metric(found[name], tuple(places[name])) for name in sorted(found)]

    def apps(self) -> list[str]:
        """Return the names of the apps that expose anything."""
        return sorted({declaration.app for declaration in self.declarations})

    def of_app(self, app: str) -> Catalogue:
        """Return what one app exposes."""
        return replace(self, declarations=_of(app, self.declarations), unnamed=_of(app, self.unnamed))

    def made_by(self, *makers: str) -> list[Declaration]:
        """Return the places where certain decorators or parts stand."""
        return [declaration for declaration in self.declarations if declaration.maker in makers]


def _of(app: str, declarations: Iterable[Declaration]) -> tuple[Declaration, ...]:
    return tuple(declaration for declaration in declarations if declaration.app == app)
