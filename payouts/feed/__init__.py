"""What comes in: one record for every fill of an order that carried a broker code."""
