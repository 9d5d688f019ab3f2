"""Libraries that talk to something outside the process, and which of their calls do it.

A call counts by what its receiver is known to be (`httpx.AsyncClient.post`), or, where nothing tells what it is, by what
people call such receivers (`session.execute`, `self.redis.get`).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Library:
    """A library, by the kind of system it talks to (the adapter's name in metrics).

    Attributes:
        methods: The calls that do the talking, by their last part.
    """

    adapter: str
    methods: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HTTP = _words("get post put patch delete head options request send stream urlopen fetch ws_connect websocket_connect")
_SQL = _words(
    "execute executemany executescript fetch fetchrow fetchval fetchone fetchall fetchmany scalar scalars scalar_one"
    " scalar_one_or_none commit flush connect copy copy_records_to_table acquire begin bulk_save_objects bulk_insert_mappings"
    " run_sync execute_batch execute_values cursor"
)
_MONGO = _words(
    "find find_one insert_one insert_many update_one update_many replace_one delete_one delete_many aggregate"
    " count_documents distinct bulk_write find_one_and_update find_one_and_delete"
)
_CACHE = _words(
    "get set mget mset delete expire incr decr hget hset hgetall hdel lpush rpush lpop rpop blpop brpop sadd srem smembers"
    " zadd zrange zrem exists ttl setex setnx getset getdel publish execute eval xadd xread xreadgroup scan keys"
)
_QUEUE = _words(
    "send publish basic_publish send_message receive_message delete_message produce send_and_wait put_record put_records"
    " send_task apply_async delay consume poll basic_get basic_consume get_one flush send_messages receive_messages subscribe"
)
_LLM = _words(
    "create acreate completion acompletion embedding aembedding generate agenerate invoke ainvoke generate_content"
    " generate_content_async send_message send_message_async parse stream astream chat complete acomplete responses"
    " text_generation encode_remote"
)
_PROCESS = _words(
    "run Popen call check_call check_output create_subprocess_exec create_subprocess_shell communicate system popen"
)
_STORAGE = _words(
    "upload_file upload_fileobj download_file download_fileobj put_object get_object delete_object list_objects"
    " list_objects_v2 head_object copy_object upload_from_string upload_from_filename download_as_bytes download_as_string"
    " download_to_filename upload_blob download_blob list_blobs"
)
_RPC = _words("unary_unary unary_stream stream_unary stream_stream call request invoke")
_SEARCH = _words(
    "search index bulk get delete update msearch scroll count exists upsert query query_points delete_by_query"
)

LIBRARIES: dict[str, Library] = {
    **dict.fromkeys(
        ("httpx", "requests", "aiohttp", "urllib3", "urllib.request", "treq", "niquests", "curl_cffi", "websockets", "httplib2"),
        Library("http", _HTTP),
    ),
    **dict.fromkeys(
        (
            "psycopg", "psycopg2", "asyncpg", "aiosqlite", "sqlite3", "pymysql", "aiomysql", "MySQLdb",
            "mysql", "pyodbc", "cx_Oracle", "oracledb", "databases", "duckdb", "snowflake", "clickhouse_driver",
            "clickhouse_connect", "google.cloud.bigquery", "peewee", "tortoise",
        ),
        Library("database", _SQL),
    ),
    **dict.fromkeys(("sqlalchemy", "sqlmodel"), Library("database", _SQL | {"query"})),
    **dict.fromkeys(("pymongo", "motor", "beanie"), Library("database", _MONGO)),
    **dict.fromkeys(("cassandra", "neo4j"), Library("database", _SQL | _words("run execute_async execute_query"))),
    **dict.fromkeys(("redis", "aioredis"), Library("redis", _CACHE)),
    **dict.fromkeys(("pymemcache", "memcache", "pylibmc"), Library("memcached", _CACHE)),
    "diskcache": Library("disk", _CACHE),
    "aiocache": Library("cache", _CACHE),
    **dict.fromkeys(
        ("pika", "aio_pika", "kafka", "aiokafka", "confluent_kafka", "nats", "kombu", "stomp", "google.cloud.pubsub_v1", "pulsar"),
        Library("queue", _QUEUE),
    ),
    **dict.fromkeys(
        (
            "openai", "anthropic", "litellm", "cohere", "google.generativeai", "google.genai", "mistralai", "groq", "ollama",
            "together", "replicate", "langchain", "langchain_core", "langchain_openai", "vertexai", "huggingface_hub",
        ),
        Library("llm", _LLM),
    ),
    **dict.fromkeys(
        ("subprocess", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "os.system", "os.popen"),
        Library("subprocess", _PROCESS),
    ),
    **dict.fromkeys(("google.cloud.storage", "minio", "azure.storage"), Library("storage", _STORAGE)),
    **dict.fromkeys(
        ("elasticsearch", "opensearchpy", "qdrant_client", "pinecone", "weaviate", "chromadb", "meilisearch"),
        Library("search", _SEARCH),
    ),
    **dict.fromkeys(("smtplib", "aiosmtplib"), Library("mail", _words("send_message sendmail send"))),
    **dict.fromkeys(("paramiko", "asyncssh", "ftplib"), Library("ssh", _words("exec_command connect run get put retrbinary storbinary"))),
    # The server's side of a client library talks to nobody by itself.
    "aiohttp.web": Library("http", frozenset()),
    "boto3": Library("aws", _STORAGE | _QUEUE | _words("invoke query put_item get_item update_item delete_item publish")),
    "botocore": Library("aws", _STORAGE | _QUEUE | _words("make_api_call")),
    "aiobotocore": Library("aws", _STORAGE | _QUEUE),
    "grpc": Library("grpc", _RPC),
}  # fmt: skip

# The kinds of system that are caches.
CACHES = frozenset({"redis", "memcached", "disk", "cache"})

# What people call receivers whose class nothing tells, and what they ask of them.
_RECEIVERS: tuple[tuple[re.Pattern[str], Library], ...] = (
    (re.compile(r"^_?(http|https|rest|aiohttp|httpx|requests|web|async|http_client|clientsession)_?(session|client)?$"), Library("http", _HTTP)),
    (
        re.compile(r"^_?(db|database|sql|async|read|write|orm)_?(session|conn|connection|engine|pool|cursor|txn|client)?$|^_?(cursor|cur|conn|connection|engine|txn|db_pool)$"),
        Library("database", _SQL - _words("connect cursor begin acquire") | _words("query add_all")),
    ),
    (re.compile(r"^_?session$"), Library("database", _SQL - _words("connect cursor begin acquire"))),
    (re.compile(r"^_?(redis|redis_client|redis_cache)$"), Library("redis", _CACHE)),
    (re.compile(r"^_?(memcache|memcached)$"), Library("memcached", _CACHE)),
    (re.compile(r"^_?dual_cache$"), Library("cache", _CACHE)),
    (re.compile(r"^_?(producer|publisher|sqs|sns|broker|kafka_producer)(_client)?$"), Library("queue", _QUEUE - _words("flush poll"))),
    (re.compile(r"^_?(s3|gcs|blob|bucket)(_client|_service)?$"), Library("storage", _STORAGE)),
    (re.compile(r"^_?(llm|chat_model|openai|anthropic)(_client)?$"), Library("llm", _LLM)),
    (re.compile(r"^_?(es|elastic|elasticsearch|opensearch|qdrant)(_client)?$"), Library("search", _SEARCH)),
)  # fmt: skip

# What of a library's objects is plain data: `response.json().get("id")` talks to nobody.
_DATA = _words("json headers params cookies dict model_dump to_dict args form text content environ config loads")

# Libraries, modules and classes whose calls return what has to be awaited.
_ASYNCHRONOUS = re.compile(r"^(aio\w+|async\w+|motor|databases|nats|tortoise)\.|\.(asyncio|aio)\.|\.Async[A-Z]")

# The last parts of all calls that can talk, so that most calls need no further look.
TALKING = frozenset(
    method for library in (*LIBRARIES.values(), *(library for _, library in _RECEIVERS)) for method in library.methods
)


@functools.lru_cache(maxsize=16384)
def adapter_of(target: str | None, written: str) -> str:
    """Return the kind of system that a call talks to, or `""`.

    Args:
        target: The absolute name of what is called, where known.
        written: The call as written.
    """
    receiver, _, method = written.replace("()", "").rpartition(".")
    if target is not None and (known := library_of(target)):
        library = LIBRARIES[known]
        # What is put onto a pipeline waits there for `execute`.
        waits = "pipeline" in target.lower() and method != "execute"
        return library.adapter if method in library.methods and not waits else ""
    owner, _, name = receiver.rpartition(".")
    if owner and name == "requests":
        # What an object keeps as its requests: a table, most often.
        return ""
    for pattern, guessed in _RECEIVERS:
        if method in guessed.methods and pattern.match(name):
            return guessed.adapter
    return ""


def is_asynchronous(target: str) -> bool:
    """Return whether what an absolute name of a library stands for has to be awaited, as all of aiohttp has."""
    return bool(_ASYNCHRONOUS.search(target))


def library_of(target: str) -> str:
    """Return the library that talks to other systems and that an absolute name belongs to, or `""`."""
    parts = target.split(".")
    if not _DATA.isdisjoint(parts[1:-1]):
        return ""
    names = (".".join(parts[:length]) for length in range(min(len(parts), 3), 0, -1))
    return next((name for name in names if name in LIBRARIES), "")
