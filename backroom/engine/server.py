"""How our Prefect server and its clients are set up, as environment variables and nothing else.

What belongs here: which settings we choose and why. What does not: starting processes (`backroom.engine.supervise`)
and anything that writes a Prefect profile: a person's own profile on the same machine stays as it is.
The numbers were measured with Prefect 3.8.8 on two cores.
"""

from __future__ import annotations

import os
from pathlib import Path

LOCALHOST = "127.0.0.1"
BATCH = "200"
SELDOM = "30"
# Minutes; the scheduler comes by every minute, and plans at least three runs of each deployment.
AHEAD = 10
# What a person starts, answers or retries stands in a queue of its own, so that `backroom up` can give it a worker of
# its own: a wave never stands before it. A worker that is started without queues serves both.
DESK, WAVES = "desk", "default"

# Where the gateway lets a booth's worker through to Prefect, by its own key.
THROUGH_THE_GATEWAY = "/booth/prefect"


def api_url(port: int, host: str = LOCALHOST) -> str:
    """Where the API of a server of ours is."""
    return f"http://{host}:{port}/api"


def server_environment(home: Path, port: int, auth: str, database_url: str | None = None) -> dict[str, str]:
    """What `prefect server start` needs in its environment, to be laid over the caller's own.

    `home` is the server's folder, only its owner should read it; `auth` is "user:password", or empty for none, which
    is for localhost only; `database_url` is a PostgreSQL URL, and None means SQLite in `home`.
    """
    environment = {
        **_place(home),
        "PREFECT_SERVER_API_HOST": LOCALHOST,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": api_url(port),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": _driver_url(database_url, home),
        # 330 ms of CPU for a run of six tasks become 134 ms.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": BATCH,
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": BATCH,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": BATCH,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": BATCH,
        "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": BATCH,
        # Task runs show after a second instead of after up to five. Prefect 3.8 cuts the fraction off (int), and with
        # less than a second it never sleeps: a whole core, for ever.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        # A booth that opens in the morning takes its runs late, and that is no alarm.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",
        # Each of these looked every five seconds for what is there once a minute, once a day or never: a third of what
        # an idle server took. Nothing waits for them: a schedule of ours is a minute, and our automations react.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": SELDOM,
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": SELDOM,
        "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": SELDOM,
        "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": SELDOM,
        # It planned an hour ahead: sixty sweeps to come filled the first page of the runs, before any that had been.
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": f"PT{AHEAD}M",
        "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": f"PT{SELDOM}S",
        # Runs that ended 90 days ago go, with their logs and artifacts: Prefect keeps them for ever otherwise.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(90 * 24 * 3600),
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://{LOCALHOST}:{port}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if auth:
        environment["PREFECT_SERVER_API_AUTH_STRING"] = auth
        environment["PREFECT_API_AUTH_STRING"] = auth
    return environment


def through_the_gateway() -> bool:
    """Whether this process reaches Prefect through the gateway only: then it hears no events, and starts no runs."""
    return os.environ.get("PREFECT_API_URL", "").rstrip("/").endswith(THROUGH_THE_GATEWAY)


def client_environment(api_url: str, auth: str, home: Path | None = None) -> dict[str, str]:
    """What a worker, a gateway or a command needs to talk to that server, to be laid over the caller's own.

    `home` is the client's own folder for Prefect's files; without one it stays wherever Prefect puts it.
    """
    environment = {
        "PREFECT_API_URL": api_url,
        # A run that is under way when the server goes must outlive it: nine tries of 2ⁿ s are eight minutes.
        "PREFECT_CLIENT_MAX_RETRIES": "8",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "10",
        "DO_NOT_TRACK": "1",
    }
    if auth:
        environment["PREFECT_API_AUTH_STRING"] = auth
    if home is not None:
        environment |= _place(home)
    return environment


def _place(home: Path) -> dict[str, str]:
    return {"PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml")}


def _driver_url(database_url: str | None, home: Path) -> str:
    if database_url is None:
        return f"sqlite+aiosqlite:///{home / 'prefect.db'}"
    scheme, _, rest = database_url.partition("://")
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        return database_url
    # Prefect talks to PostgreSQL through asyncpg only; our own store's URL names another driver.
    return f"postgresql+asyncpg://{rest}"
