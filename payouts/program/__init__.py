"""Who is in the program and on which terms."""
