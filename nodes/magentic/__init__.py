"""What a team with a manager is made of: ledgers, counters, reviews, and what everybody reads."""
