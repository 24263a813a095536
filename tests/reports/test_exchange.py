"""Who passed what to whom is told from the trail."""

from langchain_core.messages import AIMessage, HumanMessage

from langgraph_orchestra.graphs import create_concurrent, create_map_reduce, create_sequential
from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.reports.exchange import exchange_in
from langgraph_orchestra.reports.recording import recording_of
from langgraph_orchestra.state import Result, Stop, Verdict
from support.trails import chain, turn

DONE = Stop(reason="completed")


def passed(values):
    """Sources with their targets, in order."""
    return [(p.source, tuple(p.targets)) for p in exchange_in(recording_of(values))]


def words(values):
    return [(p.source, p.text) for p in exchange_in(recording_of(values))]


def test_a_chain_passes_from_one_to_the_next_and_to_the_user():
    values = {"trail": chain("a", "b"), "stop": DONE}
    assert passed(values) == [("user", ("a",)), ("a", ("b",)), ("b", ("user",))]


def test_what_runs_at_once_gets_and_brings_the_same():
    trail = [turn("a", 1, 0, 5), turn("b", 2, 1, 5), turn("join", 3, 6, kind="aggregate")]
    assert passed({"trail": trail, "stop": DONE}) == [
        ("user", ("a", "b")),
        ("a", ("join",)),
        ("b", ("join",)),
        ("join", ("user",)),
    ]


def test_branches_that_took_no_time_are_known_by_their_results():
    results = {name: Result(name=name, output=name) for name in ("a", "b")}
    trail = [turn("a", 1, 0, 0), turn("b", 2, 1, 0), turn("aggregate", 3, 2, 0, kind="aggregate")]
    assert passed({"trail": trail, "results": results, "stop": DONE})[0] == ("user", ("a", "b"))


def test_checkers_of_a_draft_are_known_by_their_verdicts():
    verdicts = [{"c1": Verdict(approved=True), "c2": Verdict(approved=True)}]
    values = {"trail": chain("maker", "c1", "c2"), "verdicts": verdicts, "stop": DONE}
    assert passed(values)[1:] == [("maker", ("c1", "c2")), ("c1", ("user",)), ("c2", ("user",))]


def test_members_of_a_team_stand_between_what_it_gets_and_brings():
    trail = [turn("a", 1), turn("team/x", 2, 1), turn("team/y", 2, 2), turn("b", 3, 3)]
    assert passed({"trail": trail, "stop": DONE}) == [
        ("user", ("a",)),
        ("a", ("team/x",)),
        ("team/x", ("team/y",)),
        ("team/y", ("b",)),
        ("b", ("user",)),
    ]


def test_who_has_not_been_followed_yet_passes_to_nobody():
    assert passed({"trail": chain("a")}) == [("user", ("a",)), ("a", ())]


def test_each_run_begins_and_ends_with_the_user():
    values = {"trail": [*chain("a"), *chain("a", "b")], "stop": DONE}
    runs = [p.run for p in exchange_in(recording_of(values)) if p.source == "user"]
    assert runs == [1, 2]
    assert passed(values)[1] == ("a", ("user",))


def test_decisions_failures_and_handoffs_tell_why_and_others_what_they_said():
    values = {
        "messages": [
            HumanMessage("task"),
            AIMessage("first", name="a"),
            AIMessage("2nd", name="a"),
        ],
        "trail": [
            turn("selector", 1, kind="decision", detail="a: is first"),
            turn("a", 1, 1),
            turn("a", 2, 2, outcome="failed", detail="ValueError: no"),
            turn("a", 3, 3),
        ],
    }
    assert words(values) == [
        ("user", "task"),
        ("selector", "a: is first"),
        ("a", "first"),
        ("a", "failed: ValueError: no"),
        ("a", "2nd"),
    ]


def test_words_of_several_runs_are_told_apart():
    said = [HumanMessage("one"), AIMessage("A", name="a"), HumanMessage("two")]
    values = {"messages": [*said, AIMessage("B", name="a")], "trail": [*chain("a"), *chain("a")]}
    assert words(values) == [("user", "one"), ("a", "A"), ("user", "two"), ("a", "B")]


def halves(view):
    return [view.task, view.task]


def worker(view):
    return "done"


def critic(view):
    return "good"


def test_patterns_as_they_run_are_told_as_they_are_built():
    task = {"messages": [("user", "go")]}
    side_by_side = create_concurrent([worker, critic]).compile().invoke(task)
    assert passed(side_by_side)[0] == ("user", ("worker", "critic"))
    mapped = create_map_reduce(halves, worker).compile().invoke(task)
    assert [source for source, _ in passed(mapped)] == ["user", "worker", "worker", "aggregate"]
    team = create_sequential([worker, critic]).compile(name="team")
    nested = create_sequential([team, worker]).compile().invoke(task)
    assert passed(nested)[2] == ("team/critic", ("worker",))
    assert words(nested)[2] == ("team/critic", "good")


def test_a_selector_stands_between_the_speakers():
    template = TEMPLATES["product_strategy"]
    result = template.build().compile().invoke({"messages": [("user", template.example)]})
    assert passed(result)[:3] == [
        ("user", ("selector",)),
        ("selector", ("engineering",)),
        ("engineering", ("selector",)),
    ]


def test_a_typed_answer_is_told_by_its_fields_and_what_only_looks_like_one_as_it_is():
    answer = '{"action":"buy","sure":0.6,"why":["cheap","good"]}'
    said = [AIMessage(answer, name="a"), AIMessage("{not JSON", name="b")]
    values = {"messages": [HumanMessage("go"), *said], "trail": chain("a", "b")}
    assert words(values)[1:] == [
        ("a", "action: buy · sure: 0.6 · why: cheap, good"),
        ("b", "{not JSON"),
    ]
