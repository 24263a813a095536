"""Regional sales: one worker for each region of a table, then a report that ranks them.

    intake --(one for each region)--> region -> aggregate

The figures are a function's work, with or without a model; a model writes the report from them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from langgraph_orchestra.graphs import PatternGraph, create_map_reduce
from langgraph_orchestra.graphs.templates.reading import money, percent, said_by
from langgraph_orchestra.graphs.templates.sales_table import sales_in, table_in
from langgraph_orchestra.models import StandIn
from langgraph_orchestra.nodes import Agent, Member, View, synthesise

__all__ = ["REPORT_PROMPT", "RegionFigures", "graph"]

REPORT_PROMPT = """\
You report on sales by region. You are given the task, with the table it is about, and the figures
that were worked out for every region. Use these figures as they are; work out nothing anew but sums
and shares.

Begin with one sentence: all revenue, the periods, and the region that leads. Then rank the regions
by revenue, one line each: revenue, its share, growth, the best product. Close with two or three
sentences: where growth comes from, who falls behind, what is worth a closer look. Answer the
question in the task, if it asks one. Write revenue as `1,250,000` and changes as `+12.5%`."""


class RegionFigures(BaseModel):
    """What a region has sold."""

    region: str
    revenue: float
    growth: float | None
    """From the table's first period to its last, as a share; None if one of them has no sales."""
    periods: list[str]
    best_product: str | None
    best_product_revenue: float | None


def graph() -> PatternGraph:
    """Build the graph."""
    return create_map_reduce(
        regions_in,
        Member(region_figures, name="region"),
        synthesise(Agent("report", REPORT_PROMPT, model=StandIn(report))),
        on_failure="raise",
    )


def regions_in(view: View) -> list[dict[str, Any]]:
    """Split the table in the task, or in the file it names, into its regions.

    Raises:
        InputError: There is no table, or it cannot be read; the message says what is wrong.
    """
    sales = sales_in(table_in(view.task))
    periods = list(dict.fromkeys(sale["period"] for sale in sales if sale["period"]))
    if all(re.match(r"\d{4}", period) for period in periods):  # else they stand in their order
        periods.sort()
    by_region = defaultdict(list)
    for sale in sales:
        by_region[sale["region"]].append(sale)
    ends = [periods[0], periods[-1]] if len(periods) > 1 else []
    return [{"region": name, "periods": ends, "sales": own} for name, own in by_region.items()]


def region_figures(view: View) -> RegionFigures:
    """Total, growth and best product of one region."""
    item = view.state["item"]
    by_period, by_product = Counter[str](), Counter[str]()
    for sale in item["sales"]:
        by_period[sale["period"]] += sale["revenue"]
        by_product[sale["product"]] += sale["revenue"]
    first, last = (by_period[period] for period in item["periods"] or ("", ""))
    [(best, best_revenue)] = by_product.most_common(1)
    return RegionFigures(
        region=item["region"],
        revenue=round(by_period.total(), 2),
        growth=round(last / first - 1, 4) if item["periods"] and first and last else None,
        periods=item["periods"],
        best_product=best or None,
        best_product_revenue=round(best_revenue, 2) if best else None,
    )


def report(messages: Sequence[BaseMessage]) -> str:
    """Stand in for the report: rank the regions, and name who grows fastest and slowest."""
    figures = [RegionFigures.model_validate_json(said) for said in said_by("region", messages)]
    ranked = sorted(figures, key=lambda one: one.revenue, reverse=True)
    total = sum(one.revenue for one in figures)
    leader = ranked[0]
    when = f" from {' to '.join(leader.periods)}" if leader.periods else ""
    lines = [f"Revenue{when}: {money(total)}. {leader.region} leads.", ""]
    lines += [f"{rank}. {line_for(one, total)}" for rank, one in enumerate(ranked, start=1)]
    growing = sorted((one.growth, one.region) for one in ranked if one.growth is not None)
    if len(growing) > 1:
        (least, slowest), *_, (most, fastest) = growing
        fast, slow = percent(most, signed=True), percent(least, signed=True)
        lines += ["", f"Fastest growth: {fastest} ({fast}). Slowest: {slowest} ({slow})."]
    return "\n".join(lines)


def line_for(figures: RegionFigures, total: float) -> str:
    """One region in one line."""
    share = f" ({percent(figures.revenue / total)})" if total else ""
    parts = [f"{figures.region}: {money(figures.revenue)}{share}"]
    if figures.growth is not None:
        parts.append(f"growth {percent(figures.growth, signed=True)}")
    if figures.best_product and figures.best_product_revenue is not None:
        parts.append(f"best product {figures.best_product} ({money(figures.best_product_revenue)})")
    return ", ".join(parts)
