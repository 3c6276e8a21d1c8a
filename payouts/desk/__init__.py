"""The acts that span rooms: one file an act, one transaction each."""
