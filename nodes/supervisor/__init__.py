"""How a supervisor works: what a plan must be, what is read and by whom, what a review means."""
