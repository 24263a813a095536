"""Running notebooks, and the form in which they are kept: `make notebooks` brings them into it.

What a run changes each time, metadata and pictures of times, is kept as it was, so that a change of
a notebook shows what has changed in it.
"""

import asyncio
import base64
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

# Else `jupyter_core` warns that its folders are going to move.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image, ImageChops
from traitlets.config import Config

__all__ = ["FOLDER", "NOTEBOOKS", "code_cells", "executed", "normalised", "printed", "read"]

FOLDER = Path(__file__).parents[2] / "notebooks"

NOTEBOOKS: Sequence[Path] = sorted(FOLDER.glob("*.ipynb"))

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""What a notebook says of itself: neither the machine nor the version that it ran with."""

STARTUP = """
import sys, warnings
warnings.simplefilter("error")
def _offline(event, args):
    host = {"socket.connect": lambda: args[1], "socket.getaddrinfo": lambda: args}.get(event)
    if host and not str(host()[0]).startswith(("127.", "localhost", "/")):
        raise ConnectionError(f"a notebook asks for {host()}: it has to run without a network")
sys.addaudithook(_offline)
del sys
"""
"""What each kernel does first: warnings are errors, and nothing leaves the machine."""

CHANGING = {
    r"\b\d+(\.\d+)? m?s\b": "TIME",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b": "ID",
    r"\b[0-9a-f]{32}\b": "ID",
    r"<Figure size \S+ with": "<Figure with",
}
"""What differs from run to run, and what stands for it in a comparison."""

ALIKE = 0.03
"""Part of a picture's dots that may differ where only times do."""


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return]


def code_cells(notebook: NotebookNode) -> Sequence[NotebookNode]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(path: Path, folder: Path) -> NotebookNode:
    """A notebook run from top to bottom, by a kernel of its own.

    Args:
        path: Its file.
        folder: An empty one, to run in.

    Raises:
        CellExecutionError: A cell has raised, or warned.
    """
    notebook = read(path)
    with tempfile.TemporaryDirectory(prefix="nb") as settings:
        client = NotebookClient(
            notebook,
            timeout=100,
            kernel_name="python3",
            coalesce_streams=True,  # however fast it printed
            extra_arguments=[f"--IPKernelApp.exec_lines={STARTUP!r}"],
            # Files instead of ports: nobody else on the machine can listen.
            config=Config(
                KernelManager={"transport": "ipc", "connection_file": f"{settings}/kernel.json"}
            ),
        )
        environment = {**_clean_environment(), "IPYTHONDIR": settings}
        asyncio.run(client.async_execute(cwd=str(folder), env=environment))
    return notebook


def _clean_environment() -> Mapping[str, str]:
    """The environment without what would choose a model, or send a run somewhere."""
    settings = ("OPENAI_", "ORCHESTRA_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(settings)}


def printed(cell: NotebookNode) -> str:
    """What a cell gives, as text; a picture as its kind; what differs from run to run as a word."""
    text = "\n".join(_printed(output) for output in cell.outputs)
    for pattern, word in CHANGING.items():
        text = re.sub(pattern, word, text)
    return text.strip()


def _printed(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return f"{output['name']}: {output['text']}"
    kinds = sorted(output["data"].keys() - {"text/plain"})
    return "\n".join([*kinds, output["data"].get("text/plain", "")])


def normalised(notebook: NotebookNode, kept: NotebookNode) -> NotebookNode:
    """A notebook as it is kept.

    Args:
        notebook: As it ran.
        kept: As it was kept so far: where a cell and what it printed are the same, and its
            pictures look alike, they stay.
    """
    notebook.metadata = NotebookNode(METADATA)
    for number, (cell, before) in enumerate(zip_longest(notebook.cells, kept.cells)):
        if cell is None:
            break
        cell.metadata = NotebookNode()
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            for output in cell.outputs:
                _make_small(output)
            if before is not None and _is_alike(cell, before):
                cell.outputs = before.outputs
    return notebook


def _is_alike(cell: NotebookNode, before: NotebookNode) -> bool:
    """Whether a cell gave what it gave before, times aside."""
    if before.cell_type != "code" or cell.source != before.source:
        return False
    if printed(cell) != printed(before):
        return False
    return all(map(_look_alike, _pictures(cell), _pictures(before)))


def _make_small(output: NotebookNode) -> None:
    """Bring a picture down to the few colours that it has."""
    if picture := output.get("data", {}).get("image/png"):
        file = BytesIO()
        Image.open(BytesIO(base64.b64decode(picture))).convert("RGB").quantize(32).save(
            file, format="png", optimize=True
        )
        output.data["image/png"] = base64.b64encode(file.getvalue()).decode()


def _pictures(cell: NotebookNode) -> Iterator[Image.Image]:
    for output in cell.outputs:
        if picture := output.get("data", {}).get("image/png"):
            yield Image.open(BytesIO(base64.b64decode(picture))).convert("L")


def _look_alike(one: Image.Image, other: Image.Image) -> bool:
    if one.size != other.size:
        return False
    same = ImageChops.difference(one, other).histogram()[0]
    return 1 - same / (one.width * one.height) <= ALIKE


def main() -> None:
    """Run all notebooks, and keep what they give."""
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            notebook = normalised(executed(path, Path(folder)), read(path))
        nbformat.write(notebook, path)
        print(path.name)


if __name__ == "__main__":
    main()
