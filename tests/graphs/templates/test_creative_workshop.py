import pytest

from langgraph_orchestra.graphs.templates import TEMPLATES
from langgraph_orchestra.graphs.templates.creative_workshop import (
    EDITOR_PROMPT,
    FINAL_COPY_PROMPT,
    POET_PROMPT,
    RESEARCHER_PROMPT,
    STORYTELLER_PROMPT,
)
from langgraph_orchestra.graphs.templates.reading import said_by
from langgraph_orchestra.graphs.templates.workshop_rules import premise_in


def test_story_is_about_the_premise_and_every_note_is_taken_in(ask):
    result = ask("creative_workshop", TEMPLATES["creative_workshop"].example)
    first, second = said_by("storyteller", result["messages"])
    notes, verdict = said_by("editor", result["messages"])
    assert "software engineer discovers that an AI assistant has achieved" in first
    assert "Nothing prepares the turn: hint at “consciousness” in the opening." in notes
    assert "suddenly" in first
    assert "suddenly" not in second
    assert second.startswith("Bergen, 2009. The windows are still grey, and the software engineer")
    assert "Nobody here knows the word AI assistant yet." in second
    assert verdict == "READY TO PRINT"
    assert result["stop"].by == "mentions('READY TO PRINT', by='editor')"


def test_output_is_the_story_with_the_last_images_and_not_the_verdict(ask):
    result = ask("creative_workshop", TEMPLATES["creative_workshop"].example)
    latest = said_by("storyteller", result["messages"])[-1]
    assert result["output"] == latest.replace(
        "Nobody answers at once.", "The silence has a colour."
    )


def test_another_premise_is_another_story(ask):
    output = ask("creative_workshop", "A glass maker finds a letter.")["output"]
    assert "the glass maker finds a letter" in output
    assert "Bergen" not in output


@pytest.mark.parametrize("most_words", [40, 30])
def test_story_is_cut_to_the_length_that_was_asked_for(ask, most_words):
    task = f"A lighthouse keeper finds a radio in 1850. Under {most_words} words."
    result = ask("creative_workshop", task)
    assert len(result["output"].split()) <= most_words
    assert "finds a radio in 1850" in result["output"]
    assert any("too long" in notes for notes in said_by("editor", result["messages"]))


def test_impossible_length_ends_at_the_limit_with_the_shortest_draft(ask):
    result = ask("creative_workshop", "A lighthouse keeper finds a radio. Under 5 words.")
    assert result["stop"].reason == "turn_limit"
    assert len([turn for turn in result["trail"] if turn.kind == "agent"]) == 12
    assert result["output"] == "Then it is out: the lighthouse keeper finds a radio."


@pytest.mark.parametrize(
    ("task", "note"),
    [
        ("The smith finds a radio in 1850.", "“radio” did not exist yet: it came in 1895."),
        ("The smith finds a radio in 1950.", ""),
        ("The smith finds a key. Set in Oslo.", "The setting is missing: Oslo."),
    ],
)
def test_researcher_compares_the_draft_with_the_facts_of_the_task(ask, task, note):
    first, *_ = said_by("researcher", ask("creative_workshop", task)["messages"])
    assert note in first
    assert first.startswith("- " if note else "The facts hold.")


@pytest.mark.parametrize(
    ("task", "hero", "event"),
    [
        ("Write a poem about two sisters who find a map", "two sisters", "find a map"),
        ("An old baker must choose.", "the old baker", "must choose"),
        ("Rain", "somebody", "meets rain"),
    ],
)
def test_premise_is_taken_from_the_task(task, hero, event):
    assert premise_in(task)[:2] == (hero, event)


def test_named_model_writes_and_its_editor_ends_the_workshop(ask_model):
    result, model = ask_model(
        "creative_workshop",
        "A story",
        {
            STORYTELLER_PROMPT: "Once.",
            RESEARCHER_PROMPT: "The facts hold.",
            POET_PROMPT: "No changes.",
            EDITOR_PROMPT: "READY TO PRINT",
            FINAL_COPY_PROMPT: "Once upon a time.",
        },
    )
    assert result["output"] == "Once upon a time."
    assert len(model.calls) == 5
