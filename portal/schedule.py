"""The timetable: what Celery beat wakes and how often. What is due is decided by rows, not by beat."""

ENTRIES = {
    "close months that are due": {
        "task": "payouts.tasks.close_due_months",
        # Every minute: the rows say whether it is the 1st at 00:30 UTC, or a month was missed.
        "schedule": 60.0,
        "options": {"expires": 55},
    },
}
