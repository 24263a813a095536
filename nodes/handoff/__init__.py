"""How control passes from one participant to another: tools, rules, decisions, records, people."""
