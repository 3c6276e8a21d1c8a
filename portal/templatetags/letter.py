"""What letters are made of: each piece is one template for the text and one for the HTML.

A letter is written once, of these, and rendered twice. Labels and words are given translated.
"""

from typing import Any

from django import template
from django.template import Context, Engine
from django.utils.safestring import SafeString

from portal.letters import design
from portal.letters.rendering import Item

register = template.Library()


@register.simple_block_tag(takes_context=True)
def paragraph(context: Context, content: str) -> SafeString:
    """Words of the letter's own."""
    return _piece(context, "paragraph", content=_trimmed(content), wrapped=design.wrapped(content))


@register.simple_block_tag(takes_context=True)
def heading(context: Context, content: str) -> SafeString:
    """What a part of the letter is about."""
    return _piece(context, "heading", content=_trimmed(content), rule="-" * len(content.strip()))


@register.simple_block_tag(takes_context=True)
def button(context: Context, content: str, address: str) -> SafeString:
    """The one thing to do; the address of a secret link is also spelled out, for who cannot press it."""
    is_secret = address == context.get("link")
    return _piece(context, "button", content=_trimmed(content), address=address, is_secret=is_secret)


@register.simple_block_tag(takes_context=True)
def page(context: Context, content: str, address: str) -> SafeString:
    """Another page that helps."""
    return _piece(context, "page", content=_trimmed(content), address=address)


@register.simple_block_tag(takes_context=True)
def facts(context: Context, content: str) -> SafeString:
    """Rows of `fact`, one under the other."""
    rows = "\n".join(line.strip() for line in content.splitlines() if line.strip())
    return _piece(context, "facts", content=SafeString(rows))


@register.simple_tag(takes_context=True)
def fact(context: Context, label: str, value: object, code: int | None = None) -> SafeString:
    """A label and what there is to say about it; a broker bears its code."""
    return _piece(context, "fact", label=label, value=value, code=code)


@register.simple_block_tag(takes_context=True)
def steps(context: Context, content: str) -> SafeString:
    """Rows of `step`."""
    rows = "\n".join(line.rstrip() for line in content.splitlines() if line.strip())
    return _piece(context, "steps", content=SafeString(rows))


@register.simple_block_tag(takes_context=True)
def step(context: Context, content: str, mark: str = "-") -> SafeString:
    """One of several, with its number or a mark."""
    mark = str(mark) if mark == "-" else f"{mark}."
    wrapped = design.wrapped(content, first=f"{mark} ", later=" " * (len(mark) + 1))
    return _piece(context, "step", content=_trimmed(content), mark=mark, wrapped=wrapped)


@register.simple_tag(takes_context=True)
def figure(context: Context, value: object) -> SafeString:
    """The one figure that the letter is about."""
    return _piece(context, "figure", value=value)


@register.simple_tag(takes_context=True)
def quote(context: Context, text: str) -> SafeString:
    """A person's own words, marked as such; nothing where there are none."""
    return _piece(context, "quote", text=text, quoted=design.quoted(text)) if text else SafeString()


@register.simple_tag(takes_context=True)
def news(context: Context, item: Item) -> SafeString:
    """What the letter of a day tells of, and where it stands."""
    wrapped = design.wrapped(item.subject, first="- ", later="  ")
    return _piece(context, "news", subject=item.subject, address=item.address, wrapped=wrapped)


@register.simple_tag(takes_context=True)
def listed(context: Context, text: str) -> SafeString:
    """A text of several lines, each a thing of its own."""
    return steps(context, SafeString("\n").join(_of_list(context, line) for line in text.splitlines()))


def _trimmed(content: str) -> SafeString:
    """Without the space around it; it was rendered, so it is escaped already."""
    return SafeString(content.strip())


def _of_list(context: Context, line: str) -> SafeString:
    wrapped = design.wrapped(line, first="- ", later="  ")
    return _piece(context, "step", content=line, mark="-", wrapped=wrapped)


def _piece(context: Context, name: str, **values: Any) -> SafeString:
    face = context["face"]
    made = Engine.get_default().get_template(f"letters/parts/{name}.{face}")
    # Escaping goes on as the letter chose it; what the templates made is escaped already.
    return SafeString(made.render(context.new(design.STYLE | values)).strip("\n") + "\n")
