"""Whose turn it is, and what becomes of requests that fail, wait too long or go away."""

import asyncio
import gc
import threading
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import torch

from nmt.search.beam import BeamSearch
from nmt.search.greedy import GreedySearch
from nmt.server import work_queue
from nmt.server.limits import Refused
from nmt.server.turns import TranslateOptions
from nmt.server.work_queue import WorkQueue
from nmt.translator import Terms, Translator
from tests.runs import untrained_run
from tests.server.fakes import FakeTranslator

Work = Callable[[WorkQueue], Coroutine[Any, Any, Any]]


def run(
    work: Work, *translators: FakeTranslator | Translator, most_waiting: int = 256, threads: int = 1
) -> Any:
    """What ``work`` gives with a queue in front of translators called a, b and so on."""
    named = dict(zip("abc", translators, strict=False))
    queue = WorkQueue(named, most_waiting=most_waiting, threads=threads)  # type: ignore[arg-type]  # fakes
    queue.start()
    try:
        return asyncio.run(work(queue))
    finally:
        queue.close()


async def texts(queue: WorkQueue, lines: list[str], **options: Any) -> list[str]:
    found = await queue.translate("a", lines, TranslateOptions(**options))
    return [one.text for one in found]


async def held(queue: WorkQueue, event: threading.Event) -> "asyncio.Future[bool]":
    """Keeps the thread of the models busy until the event is set."""
    begun = threading.Event()

    def hold(_: object) -> bool:
        begun.set()
        return event.wait(60)

    busy = asyncio.ensure_future(queue.call("a", hold, 1))
    await asyncio.to_thread(begun.wait)
    return busy


async def entered(queue: WorkQueue, count: int) -> None:
    """Waits until so many requests are in the queue."""
    end = time.monotonic() + 30
    while queue.waiting < count:
        assert time.monotonic() < end
        await asyncio.sleep(0.001)


def test_requests_that_meet_share_a_turn_and_keep_their_order() -> None:
    fake = FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        waiting = [asyncio.ensure_future(texts(queue, [f"{n} a", f"{n} b"])) for n in range(20)]
        await entered(queue, 21)
        event.set()
        found = await asyncio.gather(*waiting)
        assert found == [[f"{n} A", f"{n} B"] for n in range(20)]
        assert await busy

    run(work, fake)
    assert len(fake.calls) == 1
    assert len(fake.threads) == 1


def test_requests_with_other_options_or_runs_are_translated_apart() -> None:
    a, b = FakeTranslator(), FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        jobs = [
            texts(queue, ["one"]),
            texts(queue, ["two"], search=GreedySearch()),
            texts(queue, ["three"], nbest=2),
            texts(queue, ["four"]),
            queue.translate("b", ["five"]),
        ]
        waiting = [asyncio.ensure_future(job) for job in jobs]
        await entered(queue, 6)
        event.set()
        await asyncio.gather(busy, *waiting)

    run(work, a, b)
    assert a.calls == [["one", "four"], ["two"], ["three"]]
    assert [type(one["search"]) for one in a.options] == [BeamSearch, GreedySearch, BeamSearch]
    assert b.calls == [["five"]]


def test_turns_go_on_side_by_side() -> None:
    both = threading.Barrier(2)

    async def work(queue: WorkQueue) -> list[int]:
        jobs = [queue.call("a", lambda _: both.wait(60), 1) for _ in range(2)]
        return list(await asyncio.gather(*jobs))

    assert sorted(run(work, FakeTranslator(), threads=2)) == [0, 1]


def test_a_turn_leaves_the_other_thread_its_share() -> None:
    fake = FakeTranslator(seconds=1e-4)
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = [await held(queue, event) for _ in range(2)]
        jobs = [asyncio.ensure_future(texts(queue, [f"line {n}"])) for n in range(64)]
        await entered(queue, 66)
        event.set()
        await asyncio.gather(*busy, *jobs)

    run(work, fake, threads=2)
    assert max(map(len, fake.calls)) == 32


def test_a_gpu_has_one_turn_at_a_time() -> None:
    fake = FakeTranslator(seconds=1e-3, device=torch.device("cuda"))

    async def work(queue: WorkQueue) -> None:
        await asyncio.gather(*(texts(queue, [f"line {n}"], nbest=n % 3) for n in range(9)))

    run(work, fake, threads=2)
    assert len(fake.threads) == 1


def test_side_by_side_every_request_gets_its_own_translations(tmp_path: Path) -> None:
    """Of a real model, among others with other options."""
    lines = [f"{first} {second}" for first in ("the", "a") for second in ("cat", "dog", "man sat")]
    untrained_run(tmp_path / "run")
    search = GreedySearch(max_length=0.5, extra_length=2)
    translator = Translator.load(tmp_path / "run", search=search, device="cpu")
    wanted = {line: one.text for line, one in zip(lines, translator.translate(lines), strict=True)}

    async def work(queue: WorkQueue) -> list[list[str]]:
        return await asyncio.gather(
            *(texts(queue, lines, align=bool(number % 2)) for number in range(8))
        )

    assert run(work, translator, threads=2) == [list(wanted.values())] * 8


def test_whom_a_turn_answered_share_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "LINGER", 100.0)
    fake = FakeTranslator(seconds=1e-4)
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        async def client(name: str) -> None:
            for number in range(3):
                await texts(queue, [f"{name} {number}"])

        busy = await held(queue, event)
        clients = [asyncio.ensure_future(client(name)) for name in "abcdef"]
        await entered(queue, 7)
        event.set()
        await asyncio.gather(busy, *clients)

    run(work, fake)
    assert [sorted(call) for call in fake.calls] == [[f"{n} {k}" for n in "abcdef"] for k in "012"]


def test_who_does_not_come_again_is_not_waited_for_long() -> None:
    fake = FakeTranslator(seconds=1e-3)

    async def work(queue: WorkQueue) -> list[str]:
        await asyncio.gather(*(texts(queue, [f"line {n}"]) for n in range(9)))
        return await asyncio.wait_for(texts(queue, ["alone"]), 30)

    assert run(work, fake) == ["ALONE"]


def test_a_short_text_never_waits_behind_a_book() -> None:
    """2,000 lines of a book came before it, and it leaves with the next turn."""
    fake = FakeTranslator(seconds=4 / (2000 * 40))  # the book takes 4 s
    book = ["a line of a book with forty letters in it"[:40]] * 2000
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        reading = asyncio.ensure_future(texts(queue, book))
        await entered(queue, 2)
        short = asyncio.ensure_future(texts(queue, ["first"]))
        await entered(queue, 3)
        event.set()
        await short
        await texts(queue, ["second"])
        assert not reading.done()
        reading.cancel()
        await busy

    run(work, fake)
    turn_of = {text: number for number, call in enumerate(fake.calls) for text in call}
    assert turn_of["first"] == 0
    assert turn_of["second"] <= 3  # 1, or later on a machine that is busy
    assert max(map(len, fake.calls)) < 400  # of which each line takes 2 ms


def test_a_turn_of_short_texts_has_little_of_a_book_and_a_book_goes_on() -> None:
    fake = FakeTranslator()
    book = [f"line {number} of a book" for number in range(300)]
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        reading = asyncio.ensure_future(texts(queue, book))
        await entered(queue, 2)
        shorts = [asyncio.ensure_future(texts(queue, [f"short {n}"])) for n in range(4)]
        await entered(queue, 6)
        event.set()
        await asyncio.gather(busy, reading, *shorts)

    run(work, fake)
    first, *others = fake.calls
    assert set(first) == {f"short {n}" for n in range(4)} | set(book[:4])
    assert [line for call in others for line in call] == book[4:]


def test_a_stream_of_short_texts_does_not_starve_a_line_of_any_length() -> None:
    fake = FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        reading = asyncio.ensure_future(texts(queue, ["x" * 3000], sentences="line"))
        await entered(queue, 2)
        waiting = [
            asyncio.ensure_future(texts(queue, [f"{n}"], sentences="line")) for n in range(99)
        ]
        await entered(queue, 101)
        event.set()
        await asyncio.gather(busy, reading, *waiting)

    run(work, fake)
    assert "x" * 3000 in fake.calls[0]


def test_two_books_go_on_side_by_side() -> None:
    fake = FakeTranslator(seconds=1e-6)
    lines = ["x" * 400] * 400

    async def work(queue: WorkQueue) -> list[float]:
        async def ended(lines: list[str]) -> float:
            await texts(queue, lines)
            return time.monotonic()

        return list(await asyncio.gather(ended(lines), ended([*lines, *lines])))

    first, second = run(work, fake)
    assert first < second
    assert all(len(call) < 200 for call in fake.calls)


def test_a_long_line_is_several_units_and_comes_back_whole() -> None:
    fake = FakeTranslator()
    sentence = "Dr. Smith of the house reads a long book today. "
    line = "\t" + sentence * 100 + "\n"

    async def work(queue: WorkQueue) -> list[str]:
        return await texts(queue, [line, "short"])

    assert run(work, fake) == [line.upper(), "SHORT"]
    assert max(len(text) for call in fake.calls for text in call) < len(line) / 3
    assert not any(text.endswith("Dr.") for call in fake.calls for text in call)


def test_a_line_with_required_terms_stays_whole() -> None:
    fake = FakeTranslator()
    line = "A sentence of the book. " * 100

    async def work(queue: WorkQueue) -> None:
        await queue.translate("a", [line], terms=[Terms(require=("x",))])

    run(work, fake)
    assert fake.calls == [[line]]


def test_a_unit_over_the_budget_is_a_turn_of_its_own() -> None:
    fake = FakeTranslator(tokens_at_once=16)
    line = "x" * 100_000  # no end of a sentence, no space

    async def work(queue: WorkQueue) -> list[list[str]]:
        own = queue.translate("a", [line], TranslateOptions(sentences="line"))
        found = await asyncio.gather(own, queue.translate("a", ["y"]))
        return [[one.text for one in each] for each in found]

    assert run(work, fake) == [[line.upper()], ["Y"]]


def test_only_the_request_that_is_to_blame_fails() -> None:
    fake = FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> list[Any]:
        busy = await held(queue, event)
        jobs = [texts(queue, [text]) for text in ("one", "boom", "two")]
        waiting = [asyncio.ensure_future(job) for job in jobs]
        await entered(queue, 4)
        event.set()
        await busy
        found = await asyncio.gather(*waiting, return_exceptions=True)
        return [*found, await texts(queue, ["after"])]

    one, error, two, after = run(work, fake)
    assert (one, two, after) == (["ONE"], ["TWO"], ["AFTER"])
    assert isinstance(error, RuntimeError)


def test_what_is_no_exception_does_not_end_the_thread() -> None:
    class Panic(BaseException):
        pass

    def panics(_: object) -> None:
        raise Panic

    async def work(queue: WorkQueue) -> list[str]:
        with pytest.raises(RuntimeError, match="Panic"):
            await queue.call("a", panics, 1)
        return await texts(queue, ["after"])

    assert run(work, FakeTranslator()) == ["AFTER"]


def test_who_goes_away_is_not_worked_for() -> None:
    fake = FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        gone, timed_out, stays = (
            asyncio.ensure_future(texts(queue, [name])) for name in ("gone", "late", "stays")
        )
        await entered(queue, 4)
        gone.cancel()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(timed_out, 0.05)
        assert queue.waiting == 2
        event.set()
        assert await stays == ["STAYS"]
        await busy

    run(work, fake)
    assert fake.calls == [["stays"]]


def test_too_many_requests_are_told_when_to_come_again() -> None:
    fake = FakeTranslator()
    event = threading.Event()

    async def work(queue: WorkQueue) -> None:
        busy = await held(queue, event)
        waiting = [asyncio.ensure_future(texts(queue, ["x" * 4000] * 10)) for _ in range(2)]
        await entered(queue, 3)
        with pytest.raises(Refused) as refused:
            await texts(queue, ["one more"])
        assert refused.value.status == 429
        assert refused.value.retry_after is not None
        assert refused.value.retry_after > 1  # 20,000 tokens of a beam of 5 wait
        event.set()
        await asyncio.gather(busy, *waiting)
        assert await texts(queue, ["later"]) == ["LATER"]

    run(work, fake, most_waiting=3)


def test_closing_finishes_what_was_accepted() -> None:
    fake = FakeTranslator(seconds=1e-5)

    async def work(queue: WorkQueue) -> list[str]:
        job = asyncio.ensure_future(texts(queue, ["a line"] * 5000))
        await entered(queue, 1)
        await asyncio.to_thread(queue.close)
        with pytest.raises(Refused) as refused:
            await texts(queue, ["late"])
        assert refused.value.status == 503
        return await job

    assert run(work, fake) == ["A LINE"] * 5000


def test_nothing_to_translate_takes_no_turn() -> None:
    async def work(queue: WorkQueue) -> list[str]:
        return await texts(queue, [])

    assert run(work, fake := FakeTranslator()) == []
    assert fake.calls == []


def test_memory_stays_flat() -> None:
    """Over requests with ever other searches, some of which fail or go away."""
    fake = FakeTranslator()

    async def work(queue: WorkQueue) -> list[int]:
        sizes = []
        for batch in range(6):
            for number in range(50):
                line = f"line {number}" if number % 10 else "boom"
                search = BeamSearch(length_penalty=1 + (50 * batch + number) / 1000)
                job = asyncio.ensure_future(texts(queue, [line], search=search))
                if number % 25 == 3:
                    job.cancel()
                await asyncio.gather(job, return_exceptions=True)
            for kept in (fake.calls, fake.terms, fake.options):
                kept.clear()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        assert queue.waiting == 0
        return sizes

    tracemalloc.start()
    try:
        sizes = run(work, fake)
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[2] < 30_000
