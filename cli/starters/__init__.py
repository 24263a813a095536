"""What `orchestra new` begins a project with: for each pattern a graph, and a test of it.

They are modules here, so that they are linted, typed and tested; in a project, the graph is
`graph.py`, and its test `tests/test_graph.py`.
"""
