"""The `orchestra` command: run, watch, answer and look into the templates from a terminal."""

from langgraph_orchestra.cli.app import main

__all__ = ["main"]
