"""What we lean on in Prefect without its promise. When one of these fails, read ADR 0003 before anything else."""

from __future__ import annotations

import inspect
import json
import re
from uuid import uuid4

import httpx
import prefect
from prefect import _flow_run_suspension, flow_engine, results
from prefect.client.schemas.objects import FlowRun
from prefect.context import SyncClientContext
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED, temporary_settings
from prefect.utilities.engine import propose_state
from prefect.workers.base import BaseWorker
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.engine import prefect_seams
from backroom.engine.patience import Patient

A_RUN = FlowRun(id=uuid4(), flow_id=uuid4(), name="A-1042")


def test_prefect_is_the_version_these_seams_were_read_in() -> None:
    assert prefect.__version__.startswith("3.8.")


def test_the_engine_still_watches_for_suspension_under_the_name_we_replace() -> None:
    source = inspect.getsource(flow_engine.BaseFlowRunEngine.setup_flow_run_suspension_request)
    assert f"{prefect_seams.STARTED_BY_THIS_WORKER}(" in source
    assert hasattr(flow_engine, prefect_seams.STARTED_BY_THIS_WORKER)


def test_every_step_still_asks_for_the_place_of_results_under_the_name_we_replace() -> None:
    assert callable(getattr(results, prefect_seams.ASKED_BY_EVERY_STEP))
    assert f"{prefect_seams.ASKED_BY_EVERY_STEP}()" in inspect.getsource(results._get_default_result_storage)


def test_a_run_still_asks_the_registry_we_write_to_whether_to_stop() -> None:
    asked = list(inspect.signature(_flow_run_suspension.mark_flow_run_suspension_requested).parameters)
    assert asked == ["flow_run_id", "state"]
    source = inspect.getsource(flow_engine.BaseFlowRunEngine.setup_flow_run_suspension_request)
    assert "register_flow_run_suspension_request(" in source


def test_a_task_still_stops_before_it_begins_when_its_run_was_asked_to() -> None:
    from prefect import task_engine

    assert "raise_if_flow_run_suspension_requested()" in inspect.getsource(task_engine.run_task_sync) or (
        "raise_if_flow_run_suspension_requested()" in inspect.getsource(task_engine.SyncTaskRunEngine)
    )


def test_a_flow_still_runs_under_a_given_run() -> None:
    parameters = inspect.signature(flow_engine.run_flow).parameters
    assert {"flow", "flow_run", "return_type"} <= parameters.keys()


def test_clients_under_a_run_still_share_its_client_by_comparing_settings() -> None:
    assert "_httpx_settings" in SyncClientContext.__private_attributes__
    context = prefect_seams.client_for_a_run(False, A_RUN, "a worker:7")
    assert context._httpx_settings is None


def test_a_run_is_still_given_its_policy_and_its_name_by_the_methods_we_replace() -> None:
    assert "self.client.update_flow_run(" in inspect.getsource(flow_engine.FlowRunEngine.initialize_run)
    assert "self.client.set_flow_run_name(" in inspect.getsource(flow_engine.FlowRunEngine.setup_run_context)


def test_a_run_is_signed_with_its_first_word_and_named_only_when_it_has_another_name(httpserver: HTTPServer) -> None:
    said: list[tuple[str, dict[str, str]]] = []

    def hear(request: Request) -> Response:
        said.append((request.path.rpartition("/")[2], json.loads(request.data)))
        return Response(status=204)

    httpserver.expect_request(re.compile("/api/flow_runs/.*"), method="PATCH").respond_with_handler(hear)
    another = uuid4()
    ours = {PREFECT_API_URL: httpserver.url_for("/api"), PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False}
    with temporary_settings(ours):
        client = prefect_seams.client_for_a_run(False, A_RUN, "a worker:7").client
        client.update_flow_run(flow_run_id=A_RUN.id, flow_version="1")
        client.update_flow_run(flow_run_id=another, flow_version="1")
        client.set_flow_run_name(flow_run_id=A_RUN.id, name="A-1042")
        client.set_flow_run_name(flow_run_id=A_RUN.id, name="A-1043")
    assert said == [
        (str(A_RUN.id), {"flow_version": "1", "infrastructure_pid": "a worker:7"}),
        (str(another), {"flow_version": "1"}),
        (str(A_RUN.id), {"name": "A-1043"}),
    ]


def test_the_calls_of_a_run_still_go_by_the_transport_we_replace() -> None:
    client = prefect_seams.client_for_a_run(False, A_RUN, "a worker:7").client
    carried_by = client._client._transport_for_url(httpx.URL("http://127.0.0.1:4200/api/flow_runs/"))
    assert isinstance(carried_by, Patient)
    assert isinstance(carried_by._inner, httpx.HTTPTransport)


def test_states_are_still_proposed_by_run_id() -> None:
    assert list(inspect.signature(propose_state).parameters)[:2] == ["client", "state"]
    assert "flow_run_id" in inspect.signature(propose_state).parameters


def test_an_action_of_an_automation_still_asks_for_the_application_by_the_name_we_replace() -> None:
    from prefect.server.api import clients

    source = inspect.getsource(clients.BaseClient.__init__)
    assert "from prefect.server.api.server import create_app" in source
    assert "create_app()" in source


def test_what_waits_in_a_process_can_still_be_sent_before_it_ends() -> None:
    assert callable(EventsWorker.drain_all)
    assert inspect.iscoroutinefunction(APILogHandler.aflush)


def test_a_worker_still_has_the_methods_ours_replaces() -> None:
    for name in ("start", "setup", "sync_with_backend", "get_and_submit_flow_runs", "run"):
        assert inspect.iscoroutinefunction(getattr(BaseWorker, name))
    assert "self.get_and_submit_flow_runs" in inspect.getsource(BaseWorker.start)
    assert "self.sync_with_backend()" in inspect.getsource(BaseWorker._sync_and_initialize)
