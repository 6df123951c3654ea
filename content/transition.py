"""The table of the review: which step leads where, who may take it, who may not."""

import uuid
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from content.alert import ReviewError, Stage, Step
from content.staff import Role


class Part(StrEnum):
    """What somebody has already done in this revision; what no longer stands does not count."""

    AUTHOR = "author"
    """Began the revision."""
    WRITER = "writer"
    """Began it, or wrote something that had to be verified."""
    VERIFIER = "verifier"
    EDITOR = "editor"
    PUBLISHER = "publisher"


@dataclass(frozen=True, slots=True)
class Who:
    """Who may take a step: a role or a part that allows it, and the parts that forbid it."""

    roles: frozenset[Role]
    own: Part | None = None
    """Who has this part needs no role."""
    barred: tuple[Part, ...] = ()
    barred_of_four: tuple[Part, ...] = ()
    """Barred as well where a committee demands four different people."""


MOVES: dict[tuple[Stage, Step], Stage] = {
    (Stage.DRAFT, Step.DRAFT): Stage.DRAFT,
    (Stage.DRAFT, Step.VERIFY): Stage.VERIFIED,
    (Stage.DRAFT, Step.RETURN): Stage.RETURNED,
    (Stage.RETURNED, Step.DRAFT): Stage.DRAFT,
    (Stage.VERIFIED, Step.EDIT): Stage.EDITED,
    (Stage.VERIFIED, Step.RETURN): Stage.RETURNED,
    (Stage.EDITED, Step.EDIT): Stage.EDITED,
    (Stage.EDITED, Step.PUBLISH): Stage.PUBLISHED,
    (Stage.EDITED, Step.RETURN): Stage.RETURNED,
    (Stage.PUBLISHED, Step.CANCEL): Stage.CANCELLED,
    (Stage.PUBLISHED, Step.REVIEW): Stage.PUBLISHED,
    (Stage.SUPERSEDED, Step.REVIEW): Stage.SUPERSEDED,
    (Stage.CANCELLED, Step.REVIEW): Stage.CANCELLED,
}
"""An edit that touches a fact leads back to DRAFT: it is written down as a DRAFT step."""

OPEN = frozenset({Stage.DRAFT, Stage.RETURNED, Stage.VERIFIED, Stage.EDITED})
"""Still on its way."""
EMERGENCY_MOVES: dict[tuple[Stage, Step], Stage] = {
    (Stage.DRAFT, Step.PUBLISH): Stage.PUBLISHED,
    (Stage.VERIFIED, Step.PUBLISH): Stage.PUBLISHED,
    (Stage.EDITED, Step.PUBLISH): Stage.PUBLISHED,
}
"""Extreme and immediate: the author and one publisher."""

STEPS: dict[Step, Who] = {
    Step.DRAFT: Who(frozenset({Role.AUTHOR}), own=Part.WRITER),
    Step.VERIFY: Who(frozenset({Role.VERIFIER}), barred=(Part.WRITER,)),
    Step.EDIT: Who(
        frozenset({Role.EDITOR}),
        own=Part.WRITER,
        barred_of_four=(Part.WRITER, Part.VERIFIER),
    ),
    Step.PUBLISH: Who(
        frozenset({Role.PUBLISHER}),
        barred=(Part.WRITER, Part.VERIFIER),
        barred_of_four=(Part.EDITOR,),
    ),
    Step.RETURN: Who(frozenset({Role.VERIFIER, Role.EDITOR, Role.PUBLISHER})),
    Step.CANCEL: Who(frozenset({Role.PUBLISHER}), barred=(Part.AUTHOR,)),
    Step.REVIEW: Who(
        frozenset({Role.VERIFIER, Role.PUBLISHER}), barred=(Part.WRITER, Part.PUBLISHER)
    ),
}
EMERGENCY = Who(frozenset({Role.PUBLISHER}), barred=(Part.WRITER,))

_MAKES = {
    Step.DRAFT: Part.WRITER,
    Step.VERIFY: Part.VERIFIER,
    Step.EDIT: Part.EDITOR,
    Step.PUBLISH: Part.PUBLISHER,
}
_STEP = {
    Step.DRAFT: ("起草", "draft"),
    Step.VERIFY: ("核实", "verify"),
    Step.EDIT: ("编辑", "edit"),
    Step.PUBLISH: ("发布", "publish"),
    Step.RETURN: ("退回", "return"),
    Step.CANCEL: ("取消", "cancel"),
    Step.REVIEW: ("复核", "review"),
}
_PART = {
    Part.AUTHOR: ("作者", "写", "author", "wrote"),
    Part.WRITER: ("作者", "写", "author", "wrote"),
    Part.VERIFIER: ("核实人", "核实", "verifier", "verified"),
    Part.EDITOR: ("编辑", "编辑", "editor", "edited"),
    Part.PUBLISHER: ("发布人", "发布", "publisher", "published"),
}
_ROLE = {
    Role.AUTHOR: "作者",
    Role.VERIFIER: "核实人",
    Role.EDITOR: "编辑",
    Role.PUBLISHER: "发布人",
}
_STAGE = {
    Stage.DRAFT: ("还没有核实", "is not verified yet"),
    Stage.RETURNED: ("已退回，等作者修改", "was returned and waits for its author"),
    Stage.VERIFIED: ("已核实，等编辑", "is verified and waits for its editor"),
    Stage.EDITED: ("已编辑，等发布", "is edited and waits for its publisher"),
    Stage.PUBLISHED: ("已经发布", "is published already"),
    Stage.SUPERSEDED: ("已被更新的一版代替", "has been replaced by an update"),
    Stage.CANCELLED: ("已经取消", "has been cancelled"),
}


def parts(
    author_id: uuid.UUID, taken: Sequence[tuple[Step, uuid.UUID]], staff_id: uuid.UUID
) -> frozenset[Part]:
    """Return what `staff_id` has done in a revision, from the steps taken, the oldest first.

    Whoever wrote stays its writer; verifying and editing stand until the text goes back.
    """
    found = {Part.AUTHOR, Part.WRITER} if staff_id == author_id else set()
    for step, who in taken:
        if step in (Step.DRAFT, Step.RETURN):
            found -= {Part.VERIFIER, Part.EDITOR}
        if who == staff_id and step in _MAKES:
            found.add(_MAKES[step])
    return frozenset(found)


def permit(
    step: Step,
    roles: AbstractSet[Role],
    parts: AbstractSet[Part],
    *,
    four: bool,
    emergency: bool = False,
) -> None:
    """Refuse who may not take `step`, whatever the stage; raises ReviewError."""
    who = EMERGENCY if emergency and step is Step.PUBLISH else STEPS[step]
    forbidden = who.barred + (who.barred_of_four if four and not emergency else ())
    for part in forbidden:
        if part in parts:
            raise ReviewError(_barred(step, part))
    if not (who.roles & roles or who.own in parts):
        raise ReviewError(_without_role(step, who))


def move(stage: Stage, step: Step, *, emergency: bool = False) -> Stage:
    """Return the stage to which `step` leads; raises ReviewError where it leads nowhere."""
    table = MOVES | EMERGENCY_MOVES if emergency else MOVES
    if (stage, step) not in table:
        chinese, english = _STAGE[stage]
        name, verb = _STEP[step]
        raise ReviewError(
            f"这份通知{chinese}，现在不能{name}。 This alert {english}: you cannot {verb} it now."
        )
    return table[stage, step]


def _barred(step: Step, part: Part) -> str:
    person, did, who, past = _PART[part]
    name, verb = _STEP[step]
    return (
        f"{person}不能{name}自己{did}的通知。 "
        f"The {who} may not {verb} an alert that they {past} themselves."
    )


def _without_role(step: Step, who: Who) -> str:
    name, verb = _STEP[step]
    needed = sorted(who.roles)
    return (
        f"{name}通知要有{'或'.join(_ROLE[role] for role in needed)}的角色。 "
        f"To {verb} an alert you need the role {' or '.join(needed)}."
    )
