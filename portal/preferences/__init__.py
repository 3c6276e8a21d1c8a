"""Which letters a login wants: at once, in one letter a day, or not at all."""
