import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.guide_rules import (
    QUESTION,
    RESULT,
    STEPS,
    answer_to,
    answers_in,
    brief_in,
    draft_of,
    flaws_in,
    notes_on,
    questions_on,
)
from langgraph_orchestra.graphs.templates.guide_writing import (
    CHAIR_PROMPT,
    CRITIC_PROMPT,
    READY,
    RESEARCHER_PROMPT,
    WRITER_PROMPT,
    give_floor,
)
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.state import SpeakerChoice

EXAMPLE = TEMPLATES["guide_writing"].example


def speakers(result) -> list[str]:
    return [turn.agent for turn in result["trail"] if turn.kind == "agent"]


def section(guide: str, title: str) -> str:
    return guide.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0]


def test_chair_sends_questions_to_the_researcher_and_the_guide_goes_out_when_nothing_is_left(ask):
    result = ask("guide_writing", EXAMPLE)
    assert speakers(result) == [
        "researcher",
        "writer",
        "critic",
        "researcher",
        "writer",
        "critic",
    ]
    reasons = [turn.detail for turn in result["trail"] if turn.kind == "decision"]
    assert "researcher: was asked: What does “VLAN” mean?" in reasons
    assert said_by("critic", result["messages"])[-1] == READY
    assert result["stop"].by == f"mentions('{READY}', by='critic')"


def test_guide_has_one_action_a_step_and_each_warning_before_its_own(ask):
    guide = ask("guide_writing", EXAMPLE)["output"]
    assert guide.startswith("# Moving an office to a new router\n\nA guide for people who have nev")
    assert section(guide, "Steps") == (
        "1. Label every cable\n"
        "2. Save the settings of the old router\n"
        "> Careful: once the old router is unplugged, the phones are dead\n"
        "3. Unplug it\n"
        "4. Connect the new router\n"
        "5. Load the settings\n"
        "6. Test one device in each VLAN"
    )
    assert section(guide, "Terms") == "- VLAN: a network within the network"


def test_output_is_the_latest_draft_and_not_the_words_of_the_critic(ask):
    result = ask("guide_writing", EXAMPLE)
    first, latest = said_by("writer", result["messages"])
    assert result["output"] == latest != first


def test_what_the_task_does_not_say_is_an_open_question_and_never_made_up(ask):
    guide = ask("guide_writing", EXAMPLE)["output"]
    assert section(guide, "Open questions") == f"- {RESULT}"
    told = ask("guide_writing", f"{EXAMPLE}\nDone when: every phone rings")["output"]
    assert section(told, "You are done when") == "every phone rings"
    assert "Open questions" not in told
    unexplained = ask("guide_writing", EXAMPLE.replace("Terms: VLAN", "Terms: LAN"))["output"]
    assert "- What does “VLAN” mean?" in section(unexplained, "Open questions")


def test_bare_topic_makes_a_guide_of_open_questions(ask):
    result = ask("guide_writing", "Write a comprehensive guide on RAG systems")
    assert result["stop"].reason == "terminated"
    assert result["output"].startswith("# RAG systems\n")
    assert section(result["output"], "Open questions").splitlines() == [
        f"- {STEPS}",
        "- What does “RAG” mean?",
        f"- {RESULT}",
    ]


@pytest.mark.parametrize(
    ("critic", "following"),
    [
        ("- Longer.", "writer"),
        (f"- Longer.\n{QUESTION}{RESULT}", "researcher"),
        (f"{QUESTION}{RESULT}", "researcher"),
    ],
)
def test_notes_on_the_text_go_to_the_writer_and_questions_to_the_researcher(critic, following):
    said = [AIMessage("writer: Draft.", name="writer"), AIMessage(critic, name="critic")]
    assert give_floor([HumanMessage("A guide"), *said]).next_speaker == following


@pytest.mark.parametrize(
    ("step", "flaw"),
    [
        ("Save the file and close it", "Split “Save the file and close it”"),
        ("Fix it properly", "Strike “properly”"),
        ("Properly wait", "Strike “Properly”"),
        ("Wait if necessary", "Strike “if necessary”"),
        ("Boil it, and then pour", "Split “Boil it, and then pour”"),
        ("Buy salt and pepper", None),
        ("Close it", None),
    ],
)
def test_critic_finds_steps_that_cannot_be_followed(step, flaw):
    flaws = list(flaws_in(f"# Guide\n\n1. {step}"))
    assert len(flaws) == (flaw is not None)
    assert not flaw or flaws[0].startswith(flaw)


def test_abbreviation_is_asked_for_once_and_not_when_it_is_explained_or_open():
    draft = f"1. Use the VPN, the VPN, or DNS\n\n- {RESULT}"
    assert list(questions_on(draft)) == ["What does “VPN” mean?", "What does “DNS” mean?"]
    explained = draft + "\n- VPN: a tunnel\n- What does “DNS” mean?"
    assert list(questions_on(explained)) == []


def test_writer_takes_every_note_in_and_leaves_the_rest():
    brief = brief_in(
        "Guide\nSteps: save it properly and close it; wait\nWarnings: closing takes time"
    )
    first = draft_of(brief, "", {})
    notes = "\n".join(flaws_in(first))
    second = draft_of(brief, notes, {})
    assert list(flaws_in(second)) == []
    assert section(second, "Steps") == (
        "1. Save it\n> Careful: closing takes time\n2. Close it\n3. Wait"
    )


def test_brief_is_the_same_in_the_notes_but_for_what_has_to_be_asked():
    brief = brief_in(EXAMPLE)
    assert brief.audience == "people who have never done it"
    assert brief.needs == ["a label printer", "the provider's phone number"]
    assert brief_in(notes_on(brief)) == brief._replace(terms={}, result="")


def test_answers_are_those_of_the_task_and_unknown_ones_are_empty():
    brief = brief_in("Guide\nTerms: VPN = a tunnel\nDone when: it is green")
    said = [answer_to(q, brief) for q in ("What does “VPNs” mean?", RESULT, STEPS)]
    assert answers_in(said) == {
        "What does “VPNs” mean?": "a tunnel",
        RESULT: "it is green",
        STEPS: "",
    }


def test_answer_that_looks_like_a_question_is_still_an_answer(ask):
    result = ask("guide_writing", "Tea\nDone when: it is brown. Why? -> leaves\n\nThat is all.")
    assert result["stop"].reason == "terminated"
    assert section(result["output"], "You are done when") == "it is brown. Why? -> leaves"


def test_named_model_writes_and_its_chair_gives_the_floor(playing_all, run):
    def floor(name: str) -> SpeakerChoice:
        return SpeakerChoice(next_speaker=name, reason="Because.")

    context, model = playing_all(
        {
            CHAIR_PROMPT: [floor("writer"), floor("critic"), floor("writer"), floor("critic")],
            RESEARCHER_PROMPT: [],
            WRITER_PROMPT: ["Draft one.", "Draft two."],
            CRITIC_PROMPT: ["- Longer.", READY],
        }
    )
    result = run(TEMPLATES["guide_writing"].build().compile(), "A guide", context=context)
    assert result["output"] == "Draft two."
    assert speakers(result) == ["writer", "critic", "writer", "critic"]
    assert len(model.calls) == 8


def test_critic_who_is_never_content_ends_at_the_limit_with_the_latest_draft(playing_all, run):
    turns = ["writer", "critic"] * 6
    context, _ = playing_all(
        {
            CHAIR_PROMPT: [SpeakerChoice(next_speaker=one, reason="Next.") for one in turns],
            WRITER_PROMPT: [f"Draft {number}." for number in range(6)],
            CRITIC_PROMPT: ["- Longer."] * 6,
        }
    )
    result = run(TEMPLATES["guide_writing"].build().compile(), "A guide", context=context)
    assert result["stop"].reason == "turn_limit"
    assert result["output"] == "Draft 5."
