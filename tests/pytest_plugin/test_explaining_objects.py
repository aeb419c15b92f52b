"""A lock, a queue or a client of another event loop: what it is, who keeps it, and a change that mends it."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import WHY, said

AUTO = "[pytest]\nhermetic_app = shop:app\npythonpath = .\nasyncio_mode = auto\n"


def test_objects_of_another_loop(project: Project) -> None:
    """A global, be it used by its name or from a function, and a fixture's value."""
    project.write(
        pytest_ini=AUTO + "asyncio_default_fixture_loop_scope = function\n",
        limits_py="""
        import asyncio

        import aiohttp

        lock: asyncio.Lock = asyncio.Lock()
        _session = None

        def session():
            global _session
            if _session is None:
                _session = aiohttp.ClientSession()
            return _session

        class Feed:
            client = None

            async def read(self, url):
                if self.client is None:
                    self.client = aiohttp.ClientSession()
                async with self.client.get(url) as response:
                    return response.status

        feed = Feed()
        """,
        conftest_py="""
        import asyncio
        import http.server
        import threading

        import pytest
        import pytest_asyncio

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        @pytest.fixture(scope="session")
        def url():
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
                thread = threading.Thread(target=server.serve_forever)
                thread.start()
                yield f"http://127.0.0.1:{server.server_port}/"
                server.shutdown()
                thread.join()

        @pytest_asyncio.fixture(scope="session", loop_scope="session")
        async def jobs():
            jobs = asyncio.Queue()
            waiting = asyncio.create_task(jobs.get())
            await asyncio.sleep(0)
            jobs.put_nowait(1)
            await waiting
            return jobs
        """,
        test_a_py="""
        import asyncio

        import pytest
        from limits import feed, lock, session

        async def hold():
            async with lock:
                await asyncio.sleep(0)

        @pytest.mark.parametrize("number", [1, 2])
        async def test_lock(number):
            await asyncio.gather(hold(), hold())

        async def test_jobs(jobs):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(jobs.get(), 0.01)

        @pytest.mark.parametrize("number", [1, 2])
        async def test_session(url, number):
            async with session().get(url) as response:
                assert response.status == 204

        @pytest.mark.parametrize("number", [1, 2])
        async def test_feed(url, number):
            assert await feed.read(url) == 204

        async def test_near_miss():
            asyncio.new_event_loop().close()
            raise RuntimeError("Event loop is closed")
        """,
    )
    unclosed = ("-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    result = project.pytest(*unclosed)
    root = project.root
    said(
        result,
        f"{root}/test_a.py:7 uses lock (asyncio.locks.Lock), which belongs to an event loop that has ended.",
        f"lock is a global of limits ({root}/limits.py:5).",
        f"{root}/test_a.py:16 uses jobs (asyncio.queues.Queue), which belongs to another event loop. [HM704]",
        f"jobs is the value of fixture 'jobs' (session scope, {root}/conftest.py:25).",
        f'The loop of jobs: loop_scope="session" ({root}/conftest.py:25)',
        "The loop of the test: asyncio_default_test_loop_scope is not set, which makes it function",
        f"change: {root}/pytest.ini: asyncio_default_test_loop_scope = session",
        f"{root}/test_a.py:20 uses _session (aiohttp.client.ClientSession), which belongs to an event loop that has",
        f"_session is a global of limits ({root}/limits.py:6).",
        f"{root}/limits.py:20 uses feed.client (aiohttp.client.ClientSession), which belongs to an event loop that has",
        f"feed is a global of limits ({root}/limits.py:23).",
        "change: make it where a loop runs: in the lifespan, or in an async fixture",
        f"change: or have one loop for all tests: {root}/pytest.ini: asyncio_default_test_loop_scope = session",
    )
    assert result.output.count("[HM704]") == 4, result.output
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_default_test_loop_scope = session")
    result = project.pytest(*unclosed, "-k", "not near_miss")
    assert result.outcomes() == {"passed": 7}, result.output
    assert WHY not in result.output


def test_no_loop_runs(project: Project) -> None:
    """A synchronous fixture asks for the loop, a synchronous test starts a task; in a thread there is none."""
    project.write(
        pytest_ini=AUTO + "asyncio_default_fixture_loop_scope = function\n",
        test_a_py="""
        import asyncio

        import pytest

        async def answer():
            return 42

        async def test_before():
            pass

        @pytest.fixture
        def same():
            asyncio.run(answer())  # which leaves no loop behind
            return asyncio.get_event_loop().run_until_complete(answer())

        def test_fixture(same):
            assert same == 42

        def test_loop():
            assert asyncio.get_running_loop() is not None

        async def test_thread():
            await asyncio.to_thread(asyncio.get_running_loop)
        """,
    )
    result = project.pytest()
    at = f"{project.root}/test_a.py"
    said(
        result,
        f"{at}:14 needs an event loop, and same is not async: none runs there. [HM718]",
        f"change: {at}:14: asyncio.run(answer()); or await answer(), in an async def same",
        f"{at}:20 needs an event loop, and test_loop is not async: none runs there. [HM718]",
        f"change: {at}:20: make test_loop async def",
    )
    assert result.output.count(WHY) == 2, result.output  # the line of test_thread is async: nothing is known
    project.change(
        "test_a.py", "asyncio.get_event_loop().run_until_complete(answer())", "asyncio.run(answer())"
    )
    project.change("test_a.py", "def test_loop", "async def test_loop")
    assert project.pytest("-k", "fixture or loop").outcomes() == {"passed": 2}
