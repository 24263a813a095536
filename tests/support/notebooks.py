"""Running notebooks, and the form in which they are kept: `make notebooks` brings them into it.

What a run changes each time, metadata and pictures of times, is kept as it was, so that a change of
a notebook shows what has changed in it.
"""

import asyncio
import base64
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

# Else `jupyter_core` warns that its folders are going to move.
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image
from traitlets.config import Config

__all__ = ["FOLDER", "NOTEBOOKS", "code_cells", "executed", "normalised", "printed", "read"]

FOLDER = Path(__file__).parents[2] / "notebooks"

NOTEBOOKS: Sequence[Path] = sorted(FOLDER.glob("*.ipynb"))

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""What a notebook says of itself: neither the machine nor the version that it ran with."""

STARTUP = Path(__file__).with_name("kernel_startup.py")
"""What each kernel does first."""

CHANGING = {
    r"\b\d+(\.\d+)? m?s\b": "TIME",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b": "ID",
    r"\b[0-9a-f]{32}\b": "ID",
}
"""What differs from run to run, and what stands for it in a comparison."""


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return]


def code_cells(notebook: NotebookNode) -> Sequence[NotebookNode]:
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(
    path: Path, folder: Path, model: Mapping[str, str] = MappingProxyType({})
) -> NotebookNode:
    """A notebook run from top to bottom, by a kernel of its own.

    Args:
        path: Its file.
        folder: An empty one, to run in.
        model: Environment variables that name a model; none leaves the work to stand-ins.

    Raises:
        CellExecutionError: A cell has raised, or warned.
    """
    notebook = read(path)
    with tempfile.TemporaryDirectory(prefix="nb") as settings:
        startup = Path(settings, "profile_default/startup")
        startup.mkdir(parents=True)
        shutil.copy(STARTUP, startup)
        client = NotebookClient(
            notebook,
            timeout=100,
            kernel_name="python3",
            coalesce_streams=True,  # however fast it printed
            # Files instead of ports: nobody else on the machine can listen.
            config=Config(
                KernelManager={"transport": "ipc", "connection_file": f"{settings}/kernel.json"}
            ),
        )
        environment = {**_clean_environment(), "IPYTHONDIR": settings, **model}
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
            for output in _pictures(cell):
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
    return all(map(_is_alike_picture, _pictures(cell), _pictures(before)))


def _pictures(cell: NotebookNode) -> Sequence[NotebookNode]:
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def _is_alike_picture(output: NotebookNode, before: NotebookNode) -> bool:
    """Whether pictures are the same; of figures that say the same, only times can differ."""
    if output.data["text/plain"].startswith("Figure: "):
        return _picture_in(output).size == _picture_in(before).size
    return bool(output.data["image/png"] == before.data["image/png"])


def _picture_in(output: NotebookNode) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(output.data["image/png"])))


def _make_small(output: NotebookNode) -> None:
    """Bring a picture down to the few colours that it has."""
    file, picture = BytesIO(), _picture_in(output)
    if picture.mode != "P":  # not brought down yet
        picture.convert("RGB").quantize(32).save(file, format="png", optimize=True)
        output.data["image/png"] = base64.b64encode(file.getvalue()).decode()


def main() -> None:
    """Run all notebooks, and keep what they give."""
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            notebook = normalised(executed(path, Path(folder)), read(path))
        nbformat.write(notebook, path)
        print(path.name)


if __name__ == "__main__":
    main()
