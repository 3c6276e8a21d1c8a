"""What a broker receives: documents whose lines add up to their payout."""
