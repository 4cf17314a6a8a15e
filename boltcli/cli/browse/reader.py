"""A thread that reads the file: one job at a time, each in one state of the file; counts while there is no job."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Any, Protocol

from ...errors import BoltError, Changed
from ...storage.live import Live
from ...storage.snapshot import Snapshot
from .keys import Row


class Stopped(BaseException):
    """The job is no longer wanted. No application's own handler of errors may keep it."""


class Looking(Protocol):
    """What is told how far a reading is, and what it has found."""

    rows: list[Row]

    def look(self, more: int = 1) -> None:
        """Count ``more`` rows that were looked at. Raises Stopped."""


class Job:
    """A reading: ``work(snapshot, job)`` in the thread, then ``done(result, error)`` there, unless it was stopped."""

    def __init__(self, work: Callable[[Snapshot, "Job"], Any], done: Callable[[Any, Exception | None], None]) -> None:
        self.work = work
        self.done = done
        self.stopped = False
        self.finished = False
        self.passed = 0  # rows or pages that were looked at
        self.rows: list[Row] = []  # that were found so far

    def look(self, more: int = 1) -> None:
        """Count ``more`` rows that were looked at. Raises Stopped."""
        self.passed += more
        if self.stopped:
            raise Stopped


class Reader:
    """Reads by way of ``live``, which it owns.

    ``count(snapshot)`` returns a generator of small steps, which are taken while there is nothing else to do; it is
    called anew after each :meth:`recount`, and in each new state.
    """

    def __init__(self, live: Live, count: Callable[[Snapshot], Iterator[None]]) -> None:
        self._ready = Condition()
        self._jobs: deque[Job] = deque()
        self._job: Job | None = None
        self._count = count
        self._counting: Iterator[None] | None = None
        self._recount = False
        self._closed = False
        self.live = live
        live.on_page = self._look
        self.snapshot = live.snapshot()
        self._thread = Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _look(self) -> None:
        """End a count as soon as there is a job, and a job that isn't wanted any more."""
        job = self._job
        if (job.stopped if job is not None else bool(self._jobs)) or self._closed:
            raise Stopped

    def put(self, job: Job) -> Job:
        """Do ``job`` after those that were put before."""
        with self._ready:
            self._jobs.append(job)
            self._ready.notify()
        return job

    def recount(self) -> None:
        """Begin the counts anew, because other things are to be counted."""
        with self._ready:
            self._recount = True
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                if self._recount:
                    self._recount, self._counting = False, self._count(self.snapshot)
                while not (self._jobs or self._counting is not None or self._recount or self._closed):
                    self._ready.wait()
                if self._closed:
                    return
                job = self._jobs.popleft() if self._jobs else None
            if job is not None:
                self._do(job)
            elif self._counting is not None:
                self._step(self._counting)

    def _step(self, counting: Iterator[None]) -> None:
        try:
            next(counting)
        except StopIteration:
            self._counting = None
        except Stopped:  # a job came first
            self._counting, self._recount = None, True
        except Changed:
            self._counting = None
            try:
                self._newer()
            except BoltError:
                self.live.settle()  # it is written to too fast, or being replaced
        except BoltError:  # damage is said where rows are shown
            self._counting = None

    def _newer(self) -> None:
        older = self.snapshot
        self.live.settle()
        self.snapshot = self.live.snapshot()
        older.close()
        self.recount()

    def _do(self, job: Job) -> None:
        if job.stopped:
            return
        self._job = job
        try:
            result: Any = self._result(job)
            error: Exception | None = None
        except Stopped:
            return
        except Exception as found:  # all but a BoltError end the program, in its own thread
            result, error = None, found
            self.live.settle()
        finally:
            self._job = None
        job.finished = True
        if not job.stopped:
            job.done(result, error)

    def _result(self, job: Job) -> Any:
        """Do ``job`` until all that it read is of one state. Raises BoltError."""
        while True:
            try:
                try:
                    result = job.work(self.snapshot, job)
                except Changed:
                    raise
                except (BoltError, LookupError):
                    self.snapshot.check_unchanged()  # else torn pages may be the reason
                    raise
                self.snapshot.check_unchanged()
                self.live.settle()
                return result
            except Changed:
                older, self.snapshot = self.snapshot, self.live.snapshot()
                older.close()
                self.recount()

    def reopen(self, live: Live) -> None:
        """Read by way of ``live`` from now on; to be called in the thread, in a job."""
        live.on_page = self._look
        try:
            snapshot = live.snapshot()
        except BaseException:
            live.close()
            raise
        older, self.snapshot = self.snapshot, snapshot
        older.close()
        self.live.close()
        self.live = live
        self.recount()

    def close(self) -> None:
        """End the thread, and close the file."""
        with self._ready:
            self._closed = True
            for job in (*self._jobs, self._job):
                if job is not None:
                    job.stopped = True
            self._ready.notify()
        if self._thread.is_alive():
            self._thread.join()
        self.snapshot.close()
        self.live.close()
