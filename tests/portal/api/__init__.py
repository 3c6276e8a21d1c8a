"""The addresses of machines: tokens, codes, errors, and that no secret stays anywhere."""
