"""The first page of all: what the program is."""
