"""What is proposed as the words to a broker when its standing changes; staff edit them first."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from payouts.program.models import Reason

#: Reason → the message of a suspension. What follows from it the broker reads beside the message.
SUSPENDED: dict[Reason, Any] = {
    Reason.FRAUD: _(
        "We have seen activity under your code that we have to treat as fraudulent until it is explained:"
        " orders of …, on …. Send us what explains it."
    ),
    Reason.AGREEMENT: _(
        "Your platform does not keep to the User Agreement at present: …. Change that and tell us."
    ),
    Reason.LAW: _(
        "We have reason to believe that your platform does not comply with laws or regulations that apply to"
        " it: …. Send us what shows otherwise, or tell us what you will change."
    ),
    Reason.CONDUCT: _(
        "We have seen conduct that harms the exchange or its users: …. End it and tell us when you have."
    ),
    Reason.AFFILIATE: _(
        "Your exchange account is enrolled in the Affiliate Program. The two programs are mutually exclusive:"
        " leave the Affiliate Program and tell us when you have."
    ),
    Reason.OTHER: "",
}
#: Reason → the message of a termination.
TERMINATED: dict[Reason, Any] = {
    Reason.FRAUD: _("We end your access to the program because of fraudulent activity under your code: …."),
    Reason.AGREEMENT: _("We end your access to the program because the User Agreement was violated: …."),
    Reason.LAW: _(
        "We end your access to the program because your platform does not comply with laws or regulations"
        " that apply to it: …."
    ),
    Reason.CONDUCT: _(
        "We end your access to the program because of conduct that harms the exchange or its users: …."
    ),
    Reason.AFFILIATE: _(
        "We end your access to the program because your exchange account is enrolled in the Affiliate"
        " Program: the two programs are mutually exclusive."
    ),
    Reason.OTHER: "",
}
LIFTED = _("We have lifted the suspension: your code is live again from now on.")
CANCELLED = _("We have cancelled the suspension that was planned: your code stays live.")
#: Where somebody still has to say what exactly.
GAP = "…"
