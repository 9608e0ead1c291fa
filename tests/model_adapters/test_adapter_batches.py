from __future__ import annotations

import pytest
from tiny_checkpoint import image_ref, make_request

from lrm_eval.types import Response
from model_adapters.base import BatchingAdapter
from model_adapters.batches import form_batches


class Recorder(BatchingAdapter):
    """Answers with the composition of the batch, so that a changed one shows."""

    def __init__(self, size, invariant):
        super().__init__()
        self.batch_size, self.batch_invariant, self.batches = size, invariant, []

    @classmethod
    def load(cls, spec, options):
        raise NotImplementedError

    def fingerprint(self):
        return {}

    def answer_batch(self, batch):
        keys = [request.key for request in batch]
        self.batches.append(keys)
        return [Response(key, text=" ".join(keys)) for key in keys]


def plan(count=10, languages=("en", "sw"), tasks=("mme",)):
    return [
        make_request(f"{task}/{n}@{language}", "?", language=language, task=task)
        for task in tasks
        for n in range(count)
        for language in languages
    ]


def answers(adapter, requests):
    return {response.key: response.text for response in adapter.generate(requests)}


def test_batches_are_cut_in_order_and_hold_every_request_once():
    batches = list(form_batches(plan(5), 4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert [request for batch in batches for request in batch] == plan(5)


def test_a_batch_holds_one_task_one_budget_and_choices_or_none():
    mixed = [
        make_request(f"q/{n}@en", "?", max_new_tokens=(4, 9)[n % 2], choices=("x",) * (n % 3 == 0), task=f"t{n % 5}")
        for n in range(60)
    ]
    batches = list(form_batches(mixed, 4))
    assert sorted(r.key for batch in batches for r in batch) == sorted(r.key for r in mixed)
    for batch in batches:
        assert len({(r.sample.task, r.max_new_tokens, bool(r.choices)) for r in batch}) == 1


def of_images(*counts):
    pictures = [image_ref(bytes([n]), f"{n}.png") for n in range(len(counts))]
    return [make_request(f"{p}/{n}@en", "?", pictures[p]) for p, many in enumerate(counts) for n in range(many)]


def test_batches_of_whole_images_end_where_an_image_ends():
    asked = of_images(3, 7, 2, 2, 2)
    batches = list(form_batches(asked, 4, whole_images=True))
    assert [len(batch) for batch in batches] == [3, 7, 4, 2]
    assert [request for batch in batches for request in batch] == asked
    assert [len(batch) for batch in form_batches(asked, 1, whole_images=True)] == [3, 7, 2, 2, 2]


def test_batches_of_whole_images_begin_small_so_that_the_first_answers_come_soon():
    assert [len(batch) for batch in form_batches(of_images(*[1] * 40), 16, whole_images=True)] == [2, 4, 8, 16, 10]


def test_the_next_batch_is_announced_before_the_present_one_is_answered():
    class Listener(Recorder):
        def announce(self, batch):
            self.batches.append(("next", batch[0].key))

    adapter = Listener(4, invariant=True)
    assert len(answers(adapter, plan(5))) == 10
    told = [entry[1] if entry[0] == "next" else None for entry in adapter.batches]
    assert told == ["mme/0@en", "mme/2@en", None, "mme/4@en", None, None]


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        next(form_batches(plan(), 0))


@pytest.mark.parametrize("done", [1, 3, 7, 19])
def test_a_resumed_run_forms_the_batches_of_the_unbroken_one(done):
    whole = Recorder(4, invariant=False)
    whole.prepare(plan())
    unbroken = answers(whole, plan())
    resumed = Recorder(4, invariant=False)
    resumed.prepare(plan())
    rest = answers(resumed, plan()[done:])
    assert rest == {key: unbroken[key] for key in rest}
    assert len(rest) == 20 - done
    assert len(resumed.batches) == len({unbroken[key] for key in rest})


def test_a_grown_run_does_not_ask_finished_cells_again():
    grown = Recorder(4, invariant=False)
    grown.prepare(plan(languages=("en", "sw", "am")))
    new = [request for request in plan(languages=("en", "sw", "am")) if request.sample.language == "am"]
    assert list(answers(grown, new)) == [request.key for request in new]
    assert sum(len(batch) for batch in grown.batches) == 10


def test_where_batches_do_not_matter_only_what_is_asked_is_batched():
    adapter = Recorder(4, invariant=True)
    adapter.prepare(plan())
    assert len(answers(adapter, plan()[3:])) == 17
    assert sum(len(batch) for batch in adapter.batches) == 17


def test_where_batches_do_not_matter_requests_are_taken_as_they_are_needed():
    taken = []

    def stream():
        for request in plan():
            taken.append(request.key)
            yield request

    next(Recorder(4, invariant=True).generate(stream()))
    assert len(taken) == 4


def test_a_caller_that_asks_in_pieces_runs_each_batch_once():
    adapter = Recorder(4, invariant=False)
    adapter.prepare(plan())
    got = {}
    for start in range(0, 20, 3):
        got |= answers(adapter, plan()[start : start + 3])
    assert len(got) == 20
    assert len(adapter.batches) == 5


def test_requests_outside_the_plan_are_answered_too():
    adapter = Recorder(4, invariant=False)
    adapter.prepare(plan())
    extra = make_request("mme/99@en", "?", task="mme")
    assert answers(adapter, [extra]) == {"mme/99@en": "mme/99@en"}


def test_two_requests_of_one_key_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="two requests"):
        answers(Recorder(2, invariant=True), [plan()[0], plan()[0]])


def test_without_requests_there_are_no_answers():
    assert answers(Recorder(2, invariant=False), []) == {}
