"""The columns of the matrix: who knocks, in the order of the tables."""

#: Column → who it is. A sign after a column: `-` has no second factor although its role needs one; `~` logged
#: in long ago and has not proved itself again since; `=` acts on a business of its own. All others have what
#: they need: a second factor where the role asks for it, and have just proved to be present.
VISITORS = {
    "none": "nobody: not logged in",
    "strng": "a confirmed login without a seat, with an application of its own elsewhere",
    "appl": "the applicant of the application in the address",
    "asked": "the login whose address the invitation in the address is for",
    "view": "viewer of the broker in the address",
    "devl": "developer of that broker",
    "fin": "finance member of that broker",
    "own": "owner of that broker",
    "other": "owner of another broker",
    "two": "owner of another broker and viewer of the broker in the address",
    "gone": "finance member who was removed from that broker, with the session from before",
    "susp": "owner of a suspended broker, which is the one in its addresses",
    "term": "owner of a terminated broker, which is the one in its addresses",
    "fin-": "finance member without a second factor",
    "own-": "owner without a second factor",
    "own~": "the owner, not proved again",
    "rev": "staff: reviewer",
    "oper": "staff: operations",
    "look": "staff: operations, who has begun to look at the pages of the broker in the address",
    "prep": "staff: finance preparer",
    "appr": "staff: finance approver",
    "audit": "staff: auditor",
    "plain": "staff without a role",
    "super": "superuser",
    "rev-": "reviewer without a second factor",
    "sup-": "superuser without a second factor",
    "rev~": "the reviewer, not proved again",
    "sup~": "the superuser, not proved again",
    "rev=": "reviewer who is a member of the broker, and whose own the application is",
    "sup=": "superuser who is a member of the broker, and whose own the application or login is",
    "off": "an owner of the broker who was switched off, with the session from before",
    "old": "the owner with a session from before the second factor was set up",
}
