"""A small library of contract templates, for the tool that looks into it."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

__all__ = ["BLANK", "LIBRARY", "Clause", "Contract", "base_template"]


class Clause(BaseModel):
    """A clause of a contract."""

    heading: str = Field(description="What it is about, in a few words.")
    text: str = Field(description="Its full text.")


class Contract(BaseModel):
    """A contract, clause by clause."""

    title: str = Field(description="What kind of contract it is.")
    clauses: list[Clause] = Field(description="Its clauses, in order.")

    def __str__(self) -> str:
        numbered = enumerate(self.clauses, 1)
        clauses = [f"{place}. {one.heading}\n{one.text}" for place, one in numbered]
        return "\n\n".join([f"# {self.title}", *clauses])


BLANK = r"\{([^{}]+)\}"
"""What has to be filled in: the name of a term in braces."""

_CLAUSES: Mapping[str, str] = {
    "Confidentiality": (
        "Each party keeps confidential what it learns about the other, and uses it for this "
        "contract alone, until three years after its end."
    ),
    "Liability": (
        "The liability of each party is limited to {liability}. Nothing limits liability for "
        "intent, fraud, or death or personal injury caused by negligence."
    ),
    "Term and termination": (
        "This contract runs for {term}. Either party may end it in writing with notice of {notice}."
    ),
    "Disputes": "Disputes go to {disputes}.",
    "Governing law": "The law of {jurisdiction} applies.",
}
"""Clauses that several templates have."""

LIBRARY: Mapping[str, Mapping[str, str]] = {
    "services agreement": {
        "Parties": "{provider} (the Provider) and {customer} (the Customer).",
        "Services": "The Provider renders these services: {scope}.",
        "Fees and payment": (
            "The Customer pays {fee}, {payment}. Invoices are due within {payment term} of receipt."
        ),
        **_CLAUSES,
    },
    "supply agreement": {
        "Parties": "{provider} (the Provider) and {customer} (the Customer).",
        "Goods and delivery": (
            "The Provider delivers {scope}, to the Customer's place of business. Title passes with "
            "payment, the risk with delivery."
        ),
        "Fees and payment": (
            "The Customer pays {fee}, {payment}. Invoices are due within {payment term} of receipt."
        ),
        "Defects": (
            "The Customer reports defects within 14 days of finding them; the Provider replaces or "
            "repairs at its own cost."
        ),
        **_CLAUSES,
    },
    "non-disclosure agreement": {
        "Parties": "{provider} and {customer} (each of them a Party).",
        "Purpose": "The Parties exchange confidential information for this purpose: {scope}.",
        **_CLAUSES,
    },
}
"""Clauses of each template, by heading; `{fee}` is to be filled in with what was negotiated."""


def base_template(name: str) -> str:
    """Read a base template of the firm's library, with its blanks in braces, as JSON."""
    clauses = LIBRARY.get(name)
    if clauses is None:
        return f"There is no template `{name}`; there are {', '.join(LIBRARY)}."
    return Contract(
        title=name.capitalize(),
        clauses=[Clause(heading=heading, text=text) for heading, text in clauses.items()],
    ).model_dump_json()
