"""Who is told of a broker's money: members who may see its statements, did so then, and want to hear."""

from collections.abc import Iterable
from datetime import timedelta

from portal.preferences.topics import BROKER_TOPICS

#: Who joins later, or gets the role later, reads of the past on the site. What is older than this is the past
#: too, whatever stood still: a letter about it would come out of nowhere.
LATELY = timedelta(days=35)
#: A wish holds for what comes. Whoever wants letters again is not told of all that was stopped meanwhile, but
#: no letter is lost by a change of wishes while the sweeps stood still for a day.
_ALSO_BEFORE = timedelta(days=2)


def told(topic: str, *, fact: str, at: str, of: str, broker: str, prefix: str) -> str:
    """A question for `rows.missing`: each fact × each member who has no letter about it.

    `fact` is the fact's number and `at` when it happened, `broker` whose it is, `of` the tables. Facts are
    those of late; `about` of what is found says how the member wants to hear of it.
    """
    roles = _quoted(BROKER_TOPICS[topic].roles)
    usual = BROKER_TOPICS[topic].usual
    return f"""
    SELECT {fact}, coalesce(wish.delivery, '{usual}'), member.login_id
    FROM {of}
    JOIN portal_membership AS member ON member.broker_id = {broker} AND member.joined_at <= {at}
        AND member.role IN ({roles})
    JOIN portal_user AS login ON login.id = member.login_id AND login.is_active
    LEFT JOIN letter_preference AS wish ON wish.login_id = member.login_id
        AND wish.broker_id = {broker} AND wish.topic = '{topic}'
    WHERE {at} > greatest(%(since)s, %(now)s - interval '{LATELY.days} days')
        AND (wish.delivery IS NULL OR wish.delivery <> 'never'
            AND {at} > wish.changed_at - interval '{_ALSO_BEFORE.days} days')
        AND CASE WHEN 0 = (
            SELECT count(*) FROM letter WHERE letter.key = '{prefix}:' || {fact} || ':' || member.login_id)
        -- Only then, by the history that triggers write: the role as it was.
        THEN coalesce((
            SELECT was.role FROM portal_membershiphistory AS was
            WHERE was.pgh_obj_id = member.id AND was.pgh_created_at <= {at}
            ORDER BY was.pgh_id DESC LIMIT 1), member.role) IN ({roles}) END
    """


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))
