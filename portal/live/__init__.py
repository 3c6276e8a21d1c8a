"""What open pages are told while they are open: figures, the standing, and that a seat is lost."""
