"""The queue for the lock, where the garbage collector comes between."""

from __future__ import annotations

import threading

from hermetic.database.backends.sqlite.restore.database_state import LockQueue, Waiter


class Collecting(Waiter):
    """Stands for a moment in which the collector closes a forgotten connection, which wakes those who wait."""

    def __init__(self, queue: LockQueue) -> None:
        super().__init__("read")
        self.queue: LockQueue | None = queue

    def wake(self) -> None:
        queue, self.queue = self.queue, None
        if queue is not None:
            queue.wake()
        super().wake()


def test_woken_while_waking() -> None:
    """A connection that is closed in the middle of waking others does not wait for itself."""
    queue = LockQueue()
    waiter = Collecting(queue)
    queue._waiters.append(waiter)
    thread = threading.Thread(target=queue.wake, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert waiter.sleep(0)


def test_woken_once() -> None:
    """Who was woken twice before it slept wakes once."""
    waiter = Waiter("write")
    waiter.wake()
    waiter.wake()
    assert [waiter.sleep(0), waiter.sleep(0)] == [True, False]
