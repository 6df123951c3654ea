"""The table of the review, every cell of it."""

import itertools
import uuid

import pytest

from content import transition
from content.alert import ReviewError, Stage, Step
from content.staff import Role
from content.transition import Part

TABLE = """
            draft   verify    edit    publish    return    cancel     review
draft       draft   verified  -       -          returned  -          -
returned    draft   -         -       -          -         -          -
verified    -       -         edited  -          returned  -          -
edited      -       -         edited  published  returned  -          -
published   -       -         -       -          -         cancelled  published
superseded  -       -         -       -          -         -          superseded
cancelled   -       -         -       -          -         -          cancelled
"""
ROLES = {
    "draft": {"author"},
    "verify": {"verifier"},
    "edit": {"editor"},
    "publish": {"publisher"},
    "return": {"verifier", "editor", "publisher"},
    "cancel": {"publisher"},
    "review": {"verifier", "publisher"},
}
BARRED = {
    "verify": {"writer"},
    "publish": {"writer", "verifier"},
    "cancel": {"author"},
    "review": {"writer", "publisher"},
}
BARRED_OF_FOUR = {"edit": {"writer", "verifier"}, "publish": {"editor"}}


def cells() -> list[tuple[str, str, str]]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [(row[0], step, to) for row in rows for step, to in zip(head, row[1:], strict=True)]


def allowed(step: Step, roles: set[Role], parts: set[Part], *, four: bool) -> bool:
    try:
        transition.permit(step, roles, parts, four=four)
    except ReviewError:
        return False
    return True


@pytest.mark.parametrize(("stage", "step", "to"), cells())
def test_every_stage_and_step_leads_where_the_table_says(stage: str, step: str, to: str) -> None:
    if to == "-":
        with pytest.raises(ReviewError, match="现在不能"):
            transition.move(Stage(stage), Step(step))
    else:
        assert transition.move(Stage(stage), Step(step)) == to


def test_the_table_above_has_every_stage_and_step() -> None:
    assert {(stage, step) for stage, step, _ in cells()} == set(itertools.product(Stage, Step))


@pytest.mark.parametrize("stage", Stage)
def test_an_emergency_adds_publishing_from_an_open_text_and_nothing_else(stage: Stage) -> None:
    added = []
    for step in Step:
        try:
            transition.move(stage, step, emergency=True)
        except ReviewError:
            continue
        if (stage, step) not in transition.MOVES:
            added.append(step)
    assert added == ([Step.PUBLISH] if stage in (Stage.DRAFT, Stage.VERIFIED) else [])


@pytest.mark.parametrize(("step", "role"), list(itertools.product(Step, Role)))
def test_a_step_needs_its_role(step: Step, role: Role) -> None:
    assert allowed(step, {role}, set(), four=False) == (role in ROLES[step])


@pytest.mark.parametrize(
    ("step", "part", "four"), list(itertools.product(Step, Part, (False, True)))
)
def test_having_done_one_step_bars_from_another(step: Step, part: Part, four: bool) -> None:
    barred = BARRED.get(step, set()) | (BARRED_OF_FOUR.get(step, set()) if four else set())
    assert allowed(step, set(Role), {part}, four=four) == (part not in barred)


@pytest.mark.parametrize("step", Step)
def test_a_writer_without_any_role_may_only_rework_and_edit(step: Step) -> None:
    expected = step in (Step.DRAFT, Step.EDIT)
    assert allowed(step, set(), {Part.WRITER}, four=False) == expected


def test_an_emergency_bars_the_writer_alone() -> None:
    def may(part: Part) -> bool:
        try:
            transition.permit(Step.PUBLISH, {Role.PUBLISHER}, {part}, four=True, emergency=True)
        except ReviewError:
            return False
        return True

    assert [part for part in Part if not may(part)] == [Part.WRITER]


def test_verifying_and_editing_count_no_more_once_the_text_goes_back() -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    taken = [(Step.DRAFT, other), (Step.VERIFY, one), (Step.EDIT, one)]
    assert transition.parts(other, taken, one) == {Part.VERIFIER, Part.EDITOR}
    assert transition.parts(other, [*taken, (Step.RETURN, other)], one) == set()


def test_who_changed_a_fact_stays_its_writer() -> None:
    author, editor = uuid.uuid4(), uuid.uuid4()
    taken = [(Step.DRAFT, author), (Step.DRAFT, editor), (Step.RETURN, author)]
    assert transition.parts(author, taken, editor) == {Part.WRITER}


@pytest.mark.parametrize(
    ("step", "part", "sentence"),
    [
        (Step.VERIFY, Part.WRITER, "作者不能核实自己写的通知。"),
        (Step.PUBLISH, Part.WRITER, "作者不能发布自己写的通知。"),
        (Step.PUBLISH, Part.VERIFIER, "核实人不能发布自己核实的通知。"),
        (Step.CANCEL, Part.AUTHOR, "作者不能取消自己写的通知。"),
    ],
)
def test_a_refusal_says_who_may_not_do_what(step: Step, part: Part, sentence: str) -> None:
    with pytest.raises(ReviewError, match=sentence):
        transition.permit(step, set(Role), {part}, four=False)
