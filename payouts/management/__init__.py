"""The doors for the shell: each command translates its arguments and asks the engine once."""
