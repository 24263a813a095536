"""The factories: each builds one pattern as an uncompiled `StateGraph`."""

from langgraph_orchestra.graphs.concurrent import create_concurrent
from langgraph_orchestra.graphs.group_chat import create_group_chat
from langgraph_orchestra.graphs.handoff import create_handoff
from langgraph_orchestra.graphs.maker_checker import create_maker_checker
from langgraph_orchestra.graphs.map_reduce import create_map_reduce
from langgraph_orchestra.graphs.pattern import PatternGraph
from langgraph_orchestra.graphs.sequential import create_sequential

__all__ = [
    "PatternGraph",
    "create_concurrent",
    "create_group_chat",
    "create_handoff",
    "create_maker_checker",
    "create_map_reduce",
    "create_sequential",
]
