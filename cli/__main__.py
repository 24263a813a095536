"""`python -m langgraph_orchestra.cli` is `orchestra`."""

from langgraph_orchestra.cli.app import main

main()
