import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES, market_research
from langgraph_orchestra.graphs.templates.acting import calling
from langgraph_orchestra.graphs.templates.market_research import (
    ACADEMIC_PROMPT,
    FORUM_PROMPT,
    SOCIAL_PROMPT,
    SYNTHESIS_PROMPT,
    WEB_PROMPT,
    MarketReport,
    SourceReport,
)
from langgraph_orchestra.graphs.templates.source_data import (
    COLLECTION,
    documents_in,
    search_papers,
    search_web,
)
from langgraph_orchestra.graphs.templates.source_rules import Finding, findings_in
from langgraph_orchestra.state import NotEnoughResultsError

EXAMPLE = TEMPLATES["market_research"].example


def beginnings(points: list[str]) -> list[str]:
    return [point.partition(".")[0] for point in points]


def test_points_are_sorted_by_what_holds_them(ask):
    report = ask("market_research", EXAMPLE)["output"]
    assert beginnings(report.agreed) == [
        "Ambera, brakes: bad (web and academic)",
        "Voltra, brakes: good (web and academic)",
        "Voltra, service: bad (web and forum)",
        "Ambera, range: good (academic and forum)",
    ]
    assert beginnings(report.disputed) == [
        "Voltra, range: good (web and social); bad (academic)",
        "Ambera, service: good (web and forum); bad (social)",
    ]
    assert "Voltra, price: bad (web). At 5,900 the Voltra price is high. [W1]" in report.single
    assert report.missing == []


def test_every_claim_is_one_of_a_document_with_its_reference(ask):
    texts = {ref: one.text for documents in COLLECTION.values() for ref, one in documents.items()}
    results = ask("market_research", EXAMPLE)["results"]
    assert list(results) == ["web", "social", "academic", "forum"]
    for result in results.values():
        assert result.output.findings
        assert all(one.claim in texts[one.reference] for one in result.output.findings)


def test_another_question_finds_something_else(ask):
    report = ask("market_research", "Is the Voltra range good?")["output"]
    assert report.summary == "Voltra: range disputed."
    assert (report.agreed, report.single) == ([], [])
    assert report.missing == ["forum: nothing on this was found."]


def test_what_nobody_has_written_about_is_not_made_up(ask):
    report = ask("market_research", "Compare agent frameworks")["output"]
    assert report.summary == "No source says anything on this."
    assert len(report.missing) == 4
    assert (report.agreed, report.disputed, report.single) == ([], [], [])


@pytest.fixture
def break_search(monkeypatch: pytest.MonkeyPatch):
    """Makes a search of the template fail."""

    def break_search(name: str) -> None:
        def search(query: str, since: int = 0) -> str:
            """Search."""
            raise ConnectionError("no route to host")

        search.__name__ = name
        monkeypatch.setattr(market_research, name, search)

    return break_search


def test_source_that_fails_leaves_the_others_and_the_report_says_that_it_is_missing(
    ask, break_search
):
    complete = ask("market_research", EXAMPLE)["results"]
    break_search("search_social")
    result = ask("market_research", EXAMPLE)
    assert result["stop"].reason == "completed"
    social = result["results"].pop("social")
    assert (social.failure.type, social.failure.message) == ("ConnectionError", "no route to host")
    for name, one in result["results"].items():
        assert one.output == complete[name].output
    report = result["output"]
    assert "Ambera, service: good (web and forum)" in beginnings(report.agreed)
    assert "Voltra, range: good (web); bad (academic)" in beginnings(report.disputed)
    assert str(report).endswith("Missing\n- social (ConnectionError): no result.")


def test_two_sources_that_fail_are_both_missing(ask, break_search):
    break_search("search_web")
    break_search("search_forums")
    assert ask("market_research", EXAMPLE)["output"].missing == [
        "web (ConnectionError): no result.",
        "forum (ConnectionError): no result.",
    ]


def test_run_fails_with_every_cause_if_all_sources_fail(ask, break_search):
    for name in ("search_web", "search_social", "search_papers", "search_forums"):
        break_search(name)
    with pytest.raises(NotEnoughResultsError, match="`forum`: ConnectionError: no route to host"):
        ask("market_research", EXAMPLE)


def test_search_finds_by_words_the_best_first_and_from_a_year_on():
    references = [one for one, _ in documents_in(search_web("Ambera prices"))]
    assert references[0] == "W2"
    assert [one for one, _ in documents_in(search_web("Ambera brakes", since=2024))] == ["W2"]
    assert search_papers("Compare what people report") == "Nothing was found."


def test_documents_are_found_again_in_what_a_search_returns():
    for reference, document in documents_in(search_papers("Voltra")):
        assert COLLECTION["academic"][reference] == document


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ("Ambera", {("Ambera", "service"), ("Ambera", "range")}),
        ("Ambera service", {("Ambera", "service")}),
        ("How is repair?", {("Ambera", "service"), ("Voltra", "service")}),
        ("Voltra brakes", set()),
    ],
)
def test_findings_are_those_the_task_asks_for(task, found):
    findings = findings_in(COLLECTION["forum"], task)
    assert {(one.about, one.aspect) for one in findings} == found


def test_named_model_searches_and_its_synthesis_reads_every_source(playing_all, run):
    def brought(number: int) -> SourceReport:
        finding = Finding(
            about="Voltra", aspect="price", tone="good", claim=f"Claim {number}.", reference="W1"
        )
        return SourceReport(findings=[finding], gaps=[])

    searches = {
        WEB_PROMPT: "search_web",
        SOCIAL_PROMPT: "search_social",
        ACADEMIC_PROMPT: "search_papers",
        FORUM_PROMPT: "search_forums",
    }
    report = MarketReport(summary="Good.", agreed=[], disputed=[], single=[], missing=[])
    context, model = playing_all(
        {
            **{
                prompt: [calling(search, query="Voltra"), brought(number)]
                for number, (prompt, search) in enumerate(searches.items())
            },
            SYNTHESIS_PROMPT: [report],
        }
    )
    app = TEMPLATES["market_research"].build().compile()
    result = run(app, "Voltra", context=context)
    assert result["output"] == report
    assert str(report) == "Good."
    *_, last = model.calls
    read = " ".join(message.text for message in last.messages)
    assert all(f"Claim {number}." in read for number in range(4))


def test_report_is_still_typed_after_a_reload(run, saver):
    template = TEMPLATES["market_research"]
    result = run(template.build().compile(checkpointer=saver), template.example, thread="1")
    reloaded = template.build().compile(checkpointer=saver)
    values = reloaded.get_state({"configurable": {"thread_id": "1"}}).values
    assert isinstance(values["output"], MarketReport)
    assert values["output"] == result["output"]
    assert values["results"] == result["results"]
