"""Whether the portal works: for machines, for cron and for staff."""
