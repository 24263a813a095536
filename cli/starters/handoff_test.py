"""The graph, with a scripted model: no key, no network."""

from langchain_core.messages import AIMessage

from langgraph_orchestra.cli.starters.handoff import build
from langgraph_orchestra.models import ScriptedModel


def test_triage_hands_over_to_billing_which_looks_the_invoice_up() -> None:
    over = {"name": "handoff_to_billing", "args": {"reason": "an invoice"}, "id": "1"}
    look = {"name": "invoice", "args": {"number": "7"}, "id": "2"}
    model = ScriptedModel(
        [
            AIMessage("", tool_calls=[over]),
            AIMessage("", tool_calls=[look]),
            lambda messages: f"I see: {messages[-1].text}",
        ]
    )
    result = build(model).compile().invoke({"messages": "Invoice 7 was charged twice"})
    assert result["output"] == "I see: Invoice 7: 49.00 EUR, paid twice."
    assert [(h.source, h.target, h.reason) for h in result["handoffs"]] == [
        ("triage", "billing", "an invoice")
    ]
