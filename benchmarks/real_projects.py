"""The public projects whose own test suites `fix_real_projects` runs, each pinned with what its tests need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Project:
    """A public project whose source distribution holds its tests.

    Attributes:
        kind: What sort of program it is.
        package: The package or module that is fixed, below the root of the distribution.
        tests: What pytest is given.
        needs: What its tests need besides pytest.
        differs: The tests that have to end in another way, and why.
        rule: The one rule whose unsafe fixes are applied; empty where the package is decorated.
        copied: Files that its tests want under another name, each with that.
    """

    name: str
    version: str
    kind: str
    package: str
    tests: tuple[str, ...] = ("tests",)
    needs: str = ""
    differs: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    copied: Mapping[str, str] = field(default_factory=dict)


PROJECTS = (
    Project("flask", "3.1.3", "web framework", "src/flask", needs="asgiref==3.9.1 werkzeug==3.1.9"),
    Project(
        "werkzeug",
        "3.1.9",
        "web library",
        "src/werkzeug",
        tests=("tests", "--ignore", "tests/test_serving.py"),  # its reloader waits for files to change
        needs=(
            "cryptography==50.0.2 ephemeral-port-reserve==1.1.4 watchdog==7.1.0 pytest-timeout==2.4.0 pytest-xprocess==1.0.2"
        ),
    ),
    Project(
        "starlette",
        "0.46.2",
        "async web framework",
        "starlette",
        needs="anyio==4.9.0 httpx==0.28.1 itsdangerous==2.2.0 jinja2==3.1.6 python-multipart==0.0.34 pyyaml==6.0.4 trio==0.35.0",
    ),
    Project(
        "httpx",
        "0.28.1",
        "client library",
        "httpx",
        needs=(
            "anyio==4.16.0 brotli==1.2.1 chardet==7.7.0 click==8.5.1 cryptography==50.0.2 h2==4.4.1 pygments==2.21.0 rich==15.0.0 "
            "socksio==1.0.0 trio==0.35.0 trustme==1.2.1 uvicorn==0.54.0 zstandard==0.25.0"
        ),
        differs={
            "tests.test_exported_members::test_all_imports_are_exported": "it wants every name of `__init__.py` in `__all__`"
        },
    ),
    Project("huey", "3.5.4", "task queue", "huey", tests=("huey/tests",)),
    Project(
        "apscheduler",
        "3.11.0",
        "scheduler",
        "src/apscheduler",
        # a new process must be there within a second, which a busy machine does not keep to with or without fixes
        tests=("tests", "-k", "not processpool and not broken_pool"),
        needs="anyio==4.16.0 gevent==26.9.0 pytz==2026.6 sqlalchemy==2.1.9 tornado==6.6.1 twisted==26.10.0",
    ),
    Project(
        "luigi",
        "3.8.1",
        "batch pipelines",
        "luigi",
        # what starts no server, which takes minutes
        tests=(
            "test/event_callbacks_test.py",
            "test/execution_summary_test.py",
            "test/instance_test.py",
            "test/local_target_test.py",
            "test/parameter_test.py",
            "test/range_test.py",
            "test/scheduler_api_test.py",
            "test/scheduler_test.py",
            "test/scheduler_visualisation_test.py",
            "test/task_history_test.py",
            "test/task_test.py",
        ),
        needs="hypothesis==6.170.17 jsonschema==4.26.0 mock==5.2.0 psutil==7.2.2 sqlalchemy==2.1.9",
    ),
    Project(
        "kombu",
        "5.7.0",
        "message client",
        "kombu",
        # less what wants the clients of two clouds
        tests=(
            "t/unit",
            "--ignore",
            "t/unit/transport/test_azurestoragequeues.py",
            "--ignore",
            "t/unit/transport/test_gcpubsub.py",
        ),
        needs=(
            "boto3==1.44.8 brotli==1.2.1 hypothesis==6.170.17 msgpack==1.2.4 pymongo==4.20.1 pytest-freezer==0.4.9 pyyaml==6.0.4 "
            "redis==8.1.0 sqlalchemy==2.1.9 zstandard==0.25.0"
        ),
    ),
    Project(
        "pony",
        "0.7.20",
        "object-relational mapper",
        "pony",
        # what reads the variables of its caller, and some more: all of them take ten minutes
        tests=(
            "pony/orm/tests/test_crud.py",
            "pony/orm/tests/test_db_session.py",
            "pony/orm/tests/test_diagram_attribute.py",
            "pony/orm/tests/test_diagram_keys.py",
            "pony/orm/tests/test_f_strings.py",
            "pony/orm/tests/test_frames.py",
            "pony/orm/tests/test_hooks.py",
            "pony/orm/tests/test_indexes.py",
            "pony/orm/tests/test_inheritance.py",
            "pony/orm/tests/test_json.py",
            "pony/orm/tests/test_lambda.py",
            "pony/orm/tests/test_query.py",
            "pony/orm/tests/test_raw_sql.py",
        ),
    ),
    Project(
        "dynaconf",
        "3.3.5",
        "configuration",
        "dynaconf",
        # less what wants files that its distribution does not have
        tests=("tests", "--ignore", "tests/test_flask.py", "--ignore", "tests/test_release_utility.py"),
        needs="boto3==1.44.8 django==5.2.19 flask==3.1.3 hvac==2.4.0 pytest-mock==3.17.0 python-dotenv==1.2.4 redis==8.1.0",
    ),
    Project(
        "uncertainties",
        "3.2.3",
        "error propagation",
        "uncertainties",
        needs="numpy==2.4.6 pytest-codspeed==5.0.4 scipy==1.17.1",
    ),
    Project("schedule", "1.2.2", "scheduler", "schedule", tests=("test_schedule.py",), needs="pytz==2026.6"),
    Project(
        "click",
        "8.5.1",
        "command line",
        "src/click",
        differs={"tests.test_imports::test_light_imports": "it allows no import that click did not have"},
    ),
    Project(
        "swift",
        "2.38.3",
        "object store",
        "swift",
        # what times by hand, less what waits for minutes
        tests=(
            "test/unit/account/test_reaper.py",
            "test/unit/common/test_db_replicator.py",
            "test/unit/container/test_sync.py",
            "test/unit/container/test_updater.py",
            "test/unit/obj/test_updater.py",
            "test/unit/proxy/controllers/test_base.py",
            "test/unit/proxy/controllers/test_obj.py",
        ),
        needs=(
            "boto3==1.44.8 docutils==0.23 eventlet==0.41.3 keystonemiddleware==13.0.1 pyeclib==1.8.0 pytest-subtests==0.15.0 "
            "python-keystoneclient==6.0.0 python-swiftclient==4.11.0 requests-mock==1.12.1 xattr==1.3.0"
        ),
        differs={
            "test.unit.container.test_sync.TestContainerSync::test_run_once": (
                "it counts how often a clock of its own is read, so the fix is unsafe: only `--unsafe-fixes` applies it"
            ),
            "test.unit.proxy.controllers.test_obj.TestECObjController::test_GET_disconnect": (
                "it gives a node 10 ms to answer, which a busy machine does not always keep to"
            ),
        },
    ),
    Project("petl", "1.7.30", "data tool", "petl", tests=("petl/test",)),
    Project("cachetools", "8.0.2", "cache", "src/cachetools"),
    Project("pluggy", "1.7.0", "plugin system", "src/pluggy", tests=("testing",), needs="pytest-benchmark==5.3.1"),
    Project("itsdangerous", "2.2.0", "signing", "src/itsdangerous", needs="freezegun==1.5.5"),
    Project("bottle", "0.13.4", "web framework of one module", "bottle.py", tests=("test",)),
    Project(
        "requests",
        "2.34.2",
        "client library",
        "src/requests",
        needs="httpbin==0.10.4 pysocks==1.7.1 pytest-httpbin==2.1.0 pytest-mock==3.17.0 trustme==1.2.1",
    ),
    Project(
        "tenacity",
        "9.2.1",
        "retries",
        "tenacity",
        needs="tornado==6.6.1 trio==0.35.0 typeguard==4.6.1",
        differs={
            "tests.test_asyncio.TestContextManager::test_sleeps": (
                "it allows 1.1 ms to an attempt of 106 measured calls, which a busy machine does not always keep to"
            )
        },
    ),
    Project(
        "marshmallow",
        "4.4.0",
        "serialization",
        "src/marshmallow",
        # the time of day is part of the names of those left out
        tests=("tests", "-k", "not test_invalid_datetime_deserialization"),
        needs="pytz==2026.6 simplejson==4.3.0",
    ),
    Project(
        "traitlets",
        "5.16.1",
        "descriptors",
        "traitlets",
        tests=("tests", "--ignore", "tests/test_typing.py"),  # for a plugin of mypy
        needs="argcomplete==3.7.2 pytest-mock==3.17.0",
    ),
    Project(
        "jinja2",
        "3.1.6",
        "template engine",
        "src/jinja2",
        needs="trio==0.35.0",
        differs={
            "tests.test_debug.TestDebug::test_runtime_error": "`@internalcode` hides the frames of what it is put on"
        },
    ),
    Project(
        "attrs",
        "26.1.0",
        "classes made at run time",
        "src/attr",
        needs="cloudpickle==3.1.3 hypothesis==6.170.17 pympler==1.1 pytest-xdist==3.8.0",
        differs={
            "tests.test_3rd_party.TestCloudpickleCompat::test_repr": "a measured function is pickled by its name alone",
            "tests.test_make.TestMakeClass::test_missing_sys_getframe": "it takes `sys._getframe` away, which decorating uses",
        },
    ),
    Project(
        "trio",
        "0.35.0",
        "async library",
        "src/trio",
        tests=(
            "src/trio/_core/_tests/test_ki.py",
            "src/trio/_core/_tests/test_local.py",
            "src/trio/_core/_tests/test_parking_lot.py",
            "src/trio/_core/_tests/test_run.py",
            "src/trio/_tests/test_channel.py",
            "src/trio/_tests/test_sync.py",
        ),
        needs="astor==0.8.1 async-generator==1.10 trustme==1.2.1",
        differs={
            "src.trio._core._tests.test_ki::test_ki_does_not_leak_across_different_calls_to_inner_functions": (
                "it expects two inner functions to share their code, and fails where each decorated one has its own"
            ),
            "src.trio._core._tests.test_run::test_context_run_tb_frames": "it counts the frames of a traceback",
        },
    ),
    Project(
        "uvicorn",
        "0.54.0",
        "async server",
        "uvicorn",
        # what starts no process and waits for no file
        tests=(
            "tests",
            "-n0",
            "-k",
            "not reload and not supervisor and not multiprocess",
            "--ignore",
            "tests/benchmarks",
        ),
        needs=(
            "a2wsgi==1.10.10 anyio==4.16.0 cryptography==50.0.2 httptools==0.9.0 httpx2==2.16.2 pytest-mock==3.17.0 "
            "pytest-xdist==3.8.0 python-dotenv==1.2.4 pyyaml==6.0.4 trustme==1.2.1 uvloop==0.23.0 watchfiles==1.3.0 websockets==17.4 "
            "wsproto==1.3.2"
        ),
        differs={
            "tests.test_server::test_reset_contextvars_asyncio[h11]": "it wants no context variable in an application's context, where `mark_failure` has one",
            "tests.test_server::test_reset_contextvars_asyncio[httptools]": "it wants no context variable in an application's context, where `mark_failure` has one",
        },
    ),
)

# Projects in which an unsafe fix of one of the rare rules changes a function that the suite calls.
BY_RULE = (
    Project(
        "matrix-sydent",
        "2.6.1",
        "identity server",
        "sydent",
        needs="parameterized==0.9.0",
        rule="GR202",
    ),
    Project(
        "cinder",
        "29.0.0",
        "block storage",
        "cinder",
        tests=(
            "cinder/tests/unit/volume/drivers/ibm/test_ds8k_proxy.py",
            "cinder/tests/unit/volume/drivers/ibm/test_xiv_proxy.py",
        ),
        needs="ddt==1.7.2 fixtures==4.3.2 oslotest==6.1.1 pymysql==1.2.4 testtools==2.9.1",
        rule="GR206",
    ),
    Project(
        "apache-libcloud",
        "3.9.1",
        "client library",
        "libcloud",
        tests=("libcloud/test/compute/test_vcloud.py",),
        needs="lxml==6.1.3 requests-mock==1.12.1",
        rule="GR301",
        copied={"libcloud/test/secrets.py-dist": "libcloud/test/secrets.py"},
    ),
)
