"""What a kernel does before it runs a notebook, as a startup file of IPython's.

Warnings are errors, nothing leaves the machine, and a figure is told in words too: for those who do
not see it, and to know whether it has changed.
"""

import re
import sys
import warnings
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text


def _stay_offline(event: str, arguments: tuple[Any, ...]) -> None:
    asked = {"socket.connect": arguments[1:2], "socket.getaddrinfo": arguments[:1]}.get(event)
    host = str(asked[0]) if asked else "localhost"
    if not host.startswith(("127.", "('127.", "localhost", "/")):
        raise PermissionError(f"a notebook asks for {host}, and has to run without a network")


def _tell(figure: Figure, printer: Any, _: bool) -> None:
    """Times are left out, as they differ from run to run."""
    words = dict.fromkeys(text.get_text() for text in figure.findobj(Text))
    said = [word for word in words if word and not re.fullmatch(r"[0-9.]+ m?s( idle)?", word)]
    printer.text("Figure: " + " · ".join(said))


warnings.simplefilter("error")
warnings.filterwarnings("ignore", module=r"ipykernel\.")  # the kernel warns of itself as it ends
sys.addaudithook(_stay_offline)
# A formatter would be taken away by `%matplotlib inline`.
Figure._repr_pretty_ = _tell  # type: ignore[attr-defined]
