"""The timetable: what Celery beat wakes and how often. What is due is decided by rows, not by beat."""

#: What people wait for. A message may be older than its period, because clocks of hosts differ by seconds;
#: a few that pile up behind a busy worker find nothing to do.
_EVERY_SECOND = {"schedule": 1.0, "options": {"expires": 10}}

ENTRIES = {
    "close months that are due": {
        "task": "payouts.tasks.close_due_months",
        # Every minute: the rows say whether it is the 1st at 00:30 UTC, or a month was missed.
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "hold payouts of brokers that are stopped": {
        "task": "payouts.tasks.hold_payouts",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
    "ask the exchange about affiliates": {
        "task": "payouts.tasks.check_affiliates",
        # Every few seconds a few brokers: each of them once a day, or again soon after an outage.
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "apply changes of account that are due": {
        "task": "payouts.tasks.apply_account_changes",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "write letters about what happened": {"task": "portal.tasks.write_notices", **_EVERY_SECOND},
    "send letters that are due": {"task": "portal.tasks.send_letters", **_EVERY_SECOND},
    "ask the exchange about accounts": {
        "task": "portal.tasks.ask_exchange",
        "schedule": 5.0,
        "options": {"expires": 10},
    },
    "erase documents whose time is up": {
        "task": "portal.tasks.erase_documents",
        "schedule": 3_600.0,
        "options": {"expires": 3_500},
    },
}
