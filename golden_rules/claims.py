"""The metrics that one file declares, as plain data."""

from __future__ import annotations

from typing import NamedTuple

from golden_rules.config import Config
from golden_rules.measured import RUNTIME
from golden_rules.naming import module_parts, package_of
from golden_rules.rules.misleading.declarations import Declared, conflict_of, declarations
from golden_rules.source.outlining import outline
from golden_rules.source.parsing import Unparseable, parse
from golden_rules.source.text import SourceText

_CLIENT = "prometheus_client"
# Their series are one for all that they stand on, told apart by labels.
_SHARED = frozenset({"track_adapter_request", "track_cache_operation"})


class Claim(NamedTuple):
    """A metric that a place in a file declares.

    Attributes:
        path: The file, relative to the project's root, with `/`.
        metric: What it is to Prometheus and to the runtime.
        function: The qualified name of the function that it measures, or stands in; `""` for none.
        maker: The runtime's decorator or timer, as `counted`; `""` for a class of `prometheus_client`.
        name: What that is given as its name.
    """

    path: str
    metric: Declared
    function: str
    maker: str
    name: str

    def clashes(self, other: Claim) -> bool:
        """Whether two claims on one name cannot both stand, or would have two functions share a series.

        Two files that are one module by name, as in two services of one repository, are never imported into one process.
        """
        if conflict_of(self.metric, other.metric):
            return True
        is_same = self.function == other.function and module_parts(self.path) == module_parts(other.path)
        return not is_same and not (self.maker == other.maker and self.maker in _SHARED)


def claims_of(text: str, path: str, config: Config) -> tuple[Claim, ...]:
    """Return the metrics that the text of a file declares; none where it is no Python."""
    if not any(word in text for word in (_CLIENT, RUNTIME, config.runtime_module.rpartition(".")[2])):
        return ()
    try:
        tree = parse(SourceText(text))
    except Unparseable:
        return ()
    module = outline(tree, ".".join(module_parts(path)), package_of(path))
    return tuple(
        Claim(path, found.metric, found.function, found.maker, found.name) for found in declarations(module, config)
    )
