# SPDX-License-Identifier: Apache-2.0
import math

from hypothesis import given
from hypothesis import strategies as st

from mokanda_wire.bisection import PLAIN, PRIMED, UNPRIMED, Bisection

NEVER = PLAIN + 1  # the caution with which what is poisoned would be taken


def deliver(needs: list[int]) -> tuple[list[int], list[int], int]:
    """Send a queue to a reader that takes each thing from the caution on that it `needs`.

    Returns:
        The places of what was accepted and of what was set aside, and how many batches it took.
    """
    waiting = list(range(len(needs)))
    accepted: list[int] = []
    aside: list[int] = []
    state, batches = Bisection(), 0
    while waiting:
        batch = waiting[: state.limit(len(waiting))]
        batches += 1
        if all(needs[place] <= state.caution for place in batch):
            accepted += batch
            state = state.accepted()
        else:
            state, given_up = state.refused(len(batch))
            if not given_up:
                continue
            aside += batch
        waiting = waiting[len(batch) :]
    return accepted, aside, batches


needs = st.lists(st.sampled_from([PRIMED, PRIMED, PRIMED, UNPRIMED, PLAIN, NEVER]), max_size=150)


@given(needs)
def test_it_sets_aside_exactly_what_its_reader_never_takes(needs: list[int]) -> None:
    accepted, aside, _ = deliver(needs)
    assert aside == [place for place, caution in enumerate(needs) if caution == NEVER]
    assert accepted == [place for place, caution in enumerate(needs) if caution < NEVER]


@given(needs)
def test_it_ends(needs: list[int]) -> None:
    _, _, batches = deliver(needs)
    awkward = sum(caution > PRIMED for caution in needs)
    refusals = math.ceil(math.log2(len(needs) + 1)) + 4  # of each: halvings, and simpler forms
    assert batches <= len(needs) + awkward * refusals


def test_one_poisoned_mail_of_many_takes_a_few_batches() -> None:
    _, aside, batches = deliver([PRIMED] * 500 + [NEVER] + [PRIMED] * 500)
    assert aside == [500]
    assert batches < 30


def test_what_is_refused_goes_again_in_a_simpler_form_before_it_is_divided() -> None:
    assert Bisection().refused(20) == (Bisection(0, UNPRIMED), False)
    assert Bisection(0, UNPRIMED).refused(20) == (Bisection(10, UNPRIMED), False)


def test_only_what_went_alone_in_the_simplest_form_is_set_aside() -> None:
    assert Bisection(1, UNPRIMED).refused(1) == (Bisection(1, PLAIN), False)
    assert Bisection(1, PLAIN).refused(1) == (Bisection(1, UNPRIMED), True)


def test_a_batch_of_any_size_was_not_alone_even_if_one_thing_in_it_can_be_set_aside() -> None:
    assert Bisection(0, UNPRIMED).refused(1) == (Bisection(1, UNPRIMED), False)


def test_nothing_is_suspected_any_more_after_a_large_batch_was_accepted() -> None:
    state = Bisection(1, UNPRIMED)
    sizes = []
    while state != Bisection():
        sizes.append(state.size)
        state = state.accepted()
    assert sizes == [1, 2, 4, 8, 16, 32, 64]
