"""What people upload: bounded on the way in, and checked by what it is, not by what it is called."""
