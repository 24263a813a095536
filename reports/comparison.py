"""`Comparison`: how several orchestrations did on the same tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph_orchestra.reports.pictures.figure import figure_of
from langgraph_orchestra.reports.pictures.meters import Meter, meters_picture
from langgraph_orchestra.reports.text import amount, duration, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

__all__ = ["Comparison"]


@dataclass(frozen=True)
class Comparison:
    """What `compare` gives; `rows` and `runs` are plain data, as `pandas.DataFrame` takes it."""

    names: Sequence[str]
    """The orchestrations, in the order in which they were given."""

    runs: Sequence[Mapping[str, Any]]
    """Each orchestration on each task: `name`, `example` (its number, from 1), `inputs`, `output`,
    `stop`, `scores` and `comments` by evaluator, `model_calls`, `input_tokens`, `output_tokens`,
    `tokens`, `cost` (None if unknown), `seconds` and `error` (empty if it went well)."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """How each orchestration did, as means over the tasks.

        Each has its `name`, how many `examples` there were and how many `failed`, the mean `scores`
        by evaluator, `model_calls`, `tokens`, `cost` and `seconds`, and the first `error`. A task
        that failed has no score; what it took counts.
        """
        return [self._row(name) for name in self.names]

    def table(self) -> "Table":
        """The rows for the terminal, with means over the tasks."""
        from langgraph_orchestra.reports.tables import add_row, lean_table

        rows, keys = self.rows, self._score_keys
        fails = any(row["failed"] for row in rows)
        measures = (">calls", ">tokens", ">cost", ">time")
        scores = (f">{key}" for key in keys)
        table = lean_table("orchestration", *scores, *measures, *(["failed"] if fails else []))
        for row in rows:
            add_row(
                table,
                row["name"],
                *(_score(row["scores"].get(key)) for key in keys),
                f"{row['model_calls']:.1f}",
                f"{row['tokens']:,.0f}",
                amount(row["cost"]),
                duration(row["seconds"]),
                *([_failures(row, 60)] if fails else []),
            )
        return table

    def plot(self) -> "Figure":
        """The rows as bars: one row for each orchestration, one column for each measure.

        Returns:
            A matplotlib figure of its own, as `timeline` gives.

        Raises:
            ConfigurationError: matplotlib is not installed.
        """
        rows = self.rows
        meters = [
            Meter(key, [row["scores"].get(key) for row in rows], _score) for key in self._score_keys
        ]
        meters += [
            Meter("model calls", [row["model_calls"] for row in rows], lambda v: f"{v:.1f}"),
            Meter("tokens", [row["tokens"] for row in rows], lambda v: f"{v:,.0f}"),
            Meter("cost", [row["cost"] for row in rows], amount),
            Meter("time", [row["seconds"] for row in rows], duration),
        ]
        notes = [_failures(row) for row in rows]
        return figure_of(meters_picture(self.names, meters, notes))

    @property
    def _score_keys(self) -> Sequence[str]:
        return list(dict.fromkeys(key for run in self.runs for key in run["scores"]))

    def _row(self, name: str) -> Mapping[str, Any]:
        runs = [run for run in self.runs if run["name"] == name]
        errors = [run["error"] for run in runs if run["error"]]
        return {
            "name": name,
            "examples": len(runs),
            "failed": len(errors),
            "scores": {
                key: _mean([run["scores"].get(key) for run in runs]) for key in self._score_keys
            },
            **{
                key: _mean([run[key] for run in runs])
                for key in ("model_calls", "tokens", "cost", "seconds")
            },
            "error": errors[0] if errors else "",
        }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _failures(row: Mapping[str, Any], width: int = 200) -> str:
    if not row["failed"]:
        return ""
    return f"{row['failed']} of {row['examples']}: {one_line(row['error'], width)}"
