"""What a month is worth: lines, payouts, and the run that keeps them."""
