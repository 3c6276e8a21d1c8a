"""Which letters a login gets, and how it says so."""
