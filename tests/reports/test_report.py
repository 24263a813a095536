"""`report`: a run as a page that needs nothing, and in which what was said is text."""

import json
import re

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic_core import to_json

from langgraph_orchestra.graphs import create_sequential
from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.nodes import Human
from langgraph_orchestra.reports import report
from langgraph_orchestra.state import Stop
from support.everything import everything_said
from support.pages import Page
from support.trails import chain, turn

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x.png onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><link rel=stylesheet href=http://evil.example>",
    "</svg><iframe src=javascript:alert(1)>",
    "<!-- --><base href=//evil.example>",
    "]]><![CDATA[",
    "&lt;b&gt; &amp; ${title} $body",
    "half a character \ud83d, \x1b[31m red, \u202eturned\x00",
]
SECTIONS = {
    *("waiting", "answer", "timeline", "conversation", "plan", "progress", "results"),
    *("drafts", "handoffs", "decisions", "transcript", "costs"),
}


def writer(view):
    return "A <b>draft</b>."


@pytest.mark.parametrize("words", HOSTILE)
def test_whatever_anybody_says_stands_on_the_page_as_text(words):
    calm = Page(report(everything_said("calm"), title="calm"))
    page = Page(report(everything_said(words), title=words))
    assert set(page.tags) == set(calm.tags)
    assert {name for name, _ in page.attributes} == {name for name, _ in calm.attributes}
    for name in ("answer", "transcript", "handoffs", "plan"):
        assert re.sub(r"[\x00-\x1f\u202e\ud83d]", "", words) in page.texts[name]


@pytest.mark.parametrize("words", ["calm", *HOSTILE])
def test_a_page_loads_nothing_runs_nothing_and_can_be_written(words):
    source = report(everything_said(words), title=words, graph=create_sequential([writer]))
    assert source.encode("utf-8")
    page = Page(source)
    assert not {"script", "iframe", "img", "link", "object", "embed", "base"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert all(value.startswith("#") for name, value in page.attributes if name == "href")
    assert "url(" not in re.findall("<style>(.*?)</style>", source, re.DOTALL)[0]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_everything_that_was_written_down_has_its_place_and_its_entry_in_the_index():
    page = Page(report(everything_said("calm")))
    assert {value for name, value in page.attributes if name == "id"} == SECTIONS
    assert {value for name, value in page.attributes if name == "href"} == {
        f"#{name}" for name in SECTIONS
    }


def test_what_did_not_happen_has_no_place():
    page = Page(report({"messages": [HumanMessage("hi")], "trail": []}))
    assert {value for name, value in page.attributes if name == "id"} == {"transcript"}
    assert "not ended" in page.text


def test_why_it_ended_and_who_ended_it_come_first():
    stop = Stop(reason="turn_limit", detail="3 of 3 turns taken", by="limits")
    page = Page(report({"trail": chain("a"), "stop": stop, "output": "So far."}, title="My run"))
    before = page.texts[""]
    assert all(part in before for part in ("My run", "turn limit", "3 of 3 turns taken", "limits"))
    assert "So far." in page.texts["answer"]


def test_decisions_are_told_with_their_reasons():
    trail = [turn("selector", 1, kind="decision", detail="b: knows more"), turn("b", 1)]
    assert "b: knows more" in Page(report({"trail": trail})).texts["decisions"]


def test_steps_of_several_runs_are_told_apart():
    decided = turn("selector", 1, kind="decision", detail="why")
    trail = [decided, *chain("a"), decided, *chain("a")]
    assert "2.1selectorwhy" in Page(report({"trail": trail})).texts["decisions"]


def test_a_person_who_is_asked_can_read_on_the_page_what():
    app = create_sequential([writer, Human("editor")]).compile()
    page = Page(report(app.invoke({"messages": [("user", "Write")]}), graph=app))
    assert "waiting for a person" in page.text
    assert "editor" in page.texts["waiting"]


def test_long_texts_and_long_conversations_are_folded_but_whole():
    messages = [HumanMessage("go"), *(AIMessage(f"no {n}", name="a") for n in range(300))]
    long = "word " * 1000
    values = {"messages": [*messages, AIMessage(long, name="b")], "trail": chain(*["a"] * 300)}
    page = Page(report(values))
    assert long in page.texts["transcript"]
    assert "302 messages" in page.texts["transcript"]
    assert "221 more" in page.texts["conversation"]


def test_teams_are_drawn_and_an_agents_own_loop_is_not():
    texts = Page(report({}, graph=TEMPLATES["telecom_support"].build())).texts["graph"]
    assert "technical" in texts
    assert "model" not in texts
    inside = Page(report({}, graph=TEMPLATES["stock_analysis"].build())).texts["graph"]
    assert "financials" in inside


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_run_offline_makes_a_page(name):
    template = TEMPLATES[name]
    app = template.build().compile()
    result = app.invoke({"messages": [("user", template.example)]})
    page = Page(report(result, graph=app, title=name))
    assert {"timeline", "conversation", "transcript", "costs", "graph"} <= set(page.texts)


@pytest.mark.parametrize("wrong", ["text", None, [1]])
def test_what_is_no_result_is_refused(wrong):
    with pytest.raises(TypeError, match="`result` is the mapping"):
        report(wrong)


def test_a_result_that_a_server_gave_as_json_makes_the_same_page():
    values = everything_said("calm")
    values["messages"] = [message.model_dump() for message in values["messages"]]
    as_json = json.loads(to_json(values))
    assert Page(report(as_json)).texts == Page(report(everything_said("calm"))).texts
