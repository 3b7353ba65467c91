"""What runs the steps: Dagster's own executors, and before the first step word of which process the run lives in.

However a run was started (the UI, the daemon, `dagster`), its executor begins in the run's process, before it asks for
a pool slot. There the process shows that it lives, the run's tags name it, and what dead runs hold is freed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.executor.base import Executor

from cpg1_assets.deployment import Deployment
from cpg1_assets.graph.dead_runs import end_dead_runs, process_tags, what_it_waits_for
from cpg1_assets.graph.month_of_run import with_month
from cpg1_assets.process import lives_in, workers_belong_to_this

_PRELOADED = ["cpg1_assets.preloaded"]
LOOK_SECONDS = 1.0


def executor_of(deployment: Deployment) -> dg.ExecutorDefinition:
    """Give the executor of the kind the settings name."""
    if deployment.settings.executor_kind == "in_process":
        return _in_a_known_process(dg.in_process_executor, deployment)
    several = _in_a_known_process(dg.multiprocess_executor, deployment)
    executor: dg.ExecutorDefinition = several.configured(
        {"max_concurrent": 0, "start_method": {"forkserver": {"preload_modules": _PRELOADED}}}
    )
    return executor


def _in_a_known_process(given: dg.ExecutorDefinition, deployment: Deployment) -> dg.ExecutorDefinition:
    def create(context: dg.InitExecutorContext) -> Executor:
        inner = given.executor_creation_fn
        assert inner is not None  # noqa: S101 - Dagster's own executors have one
        return _InAKnownProcess(inner(context), deployment)

    return dg.ExecutorDefinition(
        name=given.name,
        config_schema=given.config_schema,  # type: ignore[arg-type]
        requirements=given._requirements_fn,  # noqa: SLF001 - there is no public way to ask for them
        executor_creation_fn=create,
        description=given.description,
    )


class _InAKnownProcess(Executor):
    def __init__(self, inner: Executor, deployment: Deployment) -> None:
        self._inner = inner
        self._deployment = deployment

    @property
    def retries(self) -> RetryMode:
        return self._inner.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        return self._inner.step_dependency_config

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        instance, run = plan_context.instance, plan_context.dagster_run
        lives_in(self._deployment.settings.home)
        with workers_belong_to_this(), _waits_logged(plan_context):
            instance.add_run_tags(run.run_id, process_tags())
            for sentence in end_dead_runs(instance):
                plan_context.log.info(sentence)
            yield from self._inner.execute(with_month(plan_context, self._deployment), execution_plan)


@contextmanager
def _waits_logged(context: PlanOrchestrationContext) -> Iterator[None]:
    """Log what the run's steps wait for, once a change."""
    over = threading.Event()

    def look() -> None:
        wait = PoolWait(context.instance, context.run_id)
        while not over.wait(LOOK_SECONDS):
            for sentence in wait.news():
                context.log.info(sentence)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


class PoolWait:
    """What a run waits for, told once a change; while it waits, dead runs are looked for again."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Nothing is asked before `news`."""
        self._instance = instance
        self._run_id = run_id
        self._said = ""

    def news(self) -> list[str]:
        """Give what changed since the last time: what is waited for now, and which dead runs were ended for it."""
        waits = what_it_waits_for(self._instance, self._run_id)
        told = [waits] if waits and waits != self._said else []
        self._said = waits
        return [*told, *(end_dead_runs(self._instance) if waits else [])]
