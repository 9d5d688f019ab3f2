"""Exceptions of libraries that stand for all their failures."""

from __future__ import annotations

_BASES = {
    "aiohttp": ("ClientError",),
    "anthropic": ("AnthropicError", "APIError"),
    "asyncpg": ("PostgresError",),
    "boto3.exceptions": ("Boto3Error",),
    "botocore.exceptions": ("BotoCoreError",),
    "confluent_kafka": ("KafkaException",),
    "django.db": ("Error",),
    "docker.errors": ("DockerException",),
    "httpx": ("HTTPError", "RequestError"),
    "kafka.errors": ("KafkaError",),
    "openai": ("APIError", "OpenAIError"),
    "pika.exceptions": ("AMQPError",),
    "psycopg": ("Error",),
    "psycopg2": ("Error",),
    "pymongo.errors": ("PyMongoError",),
    "pymysql": ("Error", "MySQLError"),
    "redis": ("RedisError",),
    "redis.exceptions": ("RedisError",),
    "requests": ("RequestException",),
    "requests.exceptions": ("RequestException",),
    "smtplib": ("SMTPException",),
    "sqlalchemy.exc": ("SQLAlchemyError",),
    "stripe": ("StripeError",),
    "stripe.error": ("StripeError",),
    "urllib.error": ("URLError",),
    "urllib3.exceptions": ("HTTPError",),
}
STAND_FOR_ALL = frozenset(f"{module}.{name}" for module, names in _BASES.items() for name in names)
# Their last names: what a function may catch, before anybody asks what the names stand for.
LAST_NAMES = frozenset(name for names in _BASES.values() for name in names)
