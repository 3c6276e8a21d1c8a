"""Who may open and send what: every address and every role, with literal expectations."""
