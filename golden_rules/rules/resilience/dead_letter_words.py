"""What people call dead letters, where they put them, who is told of them, and how they are tried again."""

from __future__ import annotations

import re

DEAD = re.compile(
    r"(^|_)(dead_?letter(s|ed|ing)?|dlqs?|dead_(jobs?|tasks?|messages?|events?|items?|queue|requests|box)"
    r"|poison(ed)?_(queue|messages|letters|store|records|dir|path|topic))(_|$)"
    # Cars have a parking lot, too: `ParkingLotReport`.
    r"|(^|_)parking_lot(_(queue|messages?|exchange|topic|stream|table))?$"
)
# An object that may keep dead letters for those who tell it, unlike a file, a topic or a table.
KEEPER = re.compile(r"(^|_)(dead_?letters?|dlqs?)(_(queue|handler|service|manager|store|repository|repo))?$")
# Where they go, rather than how many there are.
PLACE = re.compile(
    r"(^|_)(dead_?letters?|dlqs?|dead_(jobs|tasks|messages|events|items|queue|requests|box|key|stream|topic|subject)|poison_(queue|messages|store|records|topic)|parking_lot)"
    r"(_(queue|topic|subject|key|name|stream|path|file|dir|directory|table|exchange|channel|target|url|arn|list|collection|bucket|store|insert|sql|set|log|jsonl"
    r"|producer|publisher|client|writer|sender|(by|for|of)_\w+|letters|messages|items|events|jobs|tasks|entries|records))*$"
    r"|(^|_)(failed|dead|rejected|poison)_(\w+_)?(queue|topic|stream|exchange)(_(name|url|key|arn))?$|(^|_)error_(topic|exchange)(_name)?$"
)
# What stands among the words of a function, in lower case, wherever `DEAD`, `PLACE` or `CALLBACK` find something.
DEAD_TEXT = re.compile(
    r"dead(?!line)|dlq|to_dlt|to_failed|graveyard|morgue|shunt|poison|parking|(failed|rejected)[^\s\"']*(queue|topic|stream|exchange)|error[^a-z\s]*(topic|exchange)"
)
DEAD_HEADS = (
    "dead",
    "graveyard",
    "morgue",
    "shunt",
    "dlq",
    "to_dlt",
    "to_failed",
    "poison",
    "parking",
    "failed",
    "rejected",
    "error",
)
# Who is told of a dead letter, to keep it.
CALLBACK = re.compile(
    r"(^|_)(dead_?letter(s|ed|ing)?|dlq)_(handler|callback|hook|sink|fn|func|cb)$|^on_dead_?letter(ed)?(_\w+)?$"
)
# A place by itself, but only where messages are sent to it: nodes of a graph, processes and pixels are dead, too.
GRAVE = re.compile(r"(^|_)(dead|graveyard|morgue|shunt)$")
# Who tells others that something died, rather than keeping it.
SIGNAL = re.compile(r"(^|[._])(events?|signals?|hooks?|emitter|listeners?|callbacks?)[._]")
# What sort of thing something is, as a rule that of a message to others: `WebhookEvent.JOB_DEAD_LETTER`.
KINDS = re.compile(r"(Events?|Types?|Kinds?|Status|State|Reason|Action)$")
SENDS_ON = re.compile(r"^(publish\w*|send\w*|produce|enqueue\w*|r?push|lpush|xadd)$")
MOVES_TO = re.compile(r"^(move|transfer)(_to|_job|_task|_message)?$")
SENDER = re.compile(r"(producer|publisher|client|topic|channel|stream|table|collection|writer|file|sender|exchange)$")
FAILED = re.compile(
    r"(^|_)(failed|failing|rejected|undelivered|undeliverable|unsent|unprocessed|unprocessable|poisoned|errored|dropped|lost)"
    r"_(tasks|jobs|messages|events|items|queue|requests|records|deliveries|webhooks|batches|writes|payloads|entries|notifications"
    r"|emails|spans|uploads|operations|commands|rows|docs|documents|points)(_queue|_list|_buffer)?$"
)
AGAIN = re.compile(
    r"(^|_)(retry|retries|replay|requeue|redrive|resend|re_send|reprocess|resubmit|redeliver|reinject|recover)(_|$)"
)
# What tells failed work from a set of numbers or a report: why it failed, how often it was tried, or that it was refused.
SAYS_WHY = re.compile(
    r"(^|_)(err|errors?|exc|exception|reason|cause|traceback|fail\w*|reject\w*|n?ack\w*|attempts?|retr(y|ies|ied)|tries"
    r"|(re)?deliver(y|ies|ed)|exhausted|bury|buried)(_|$)"
)
# What is taken from the dead letters and cannot be tried again goes back to them.
REDRIVES = re.compile(r"^(replay|redrive|reinject|resubmit)(_|$)")
# The same for `FAILED`.
FAILED_WORDS = (
    "failed", "failing", "rejected", "undeliver", "unsent", "unprocess", "poisoned", "errored", "dropped", "lost"
)  # fmt: skip
WENT_WRONG = re.compile(r"(^|_)(fail\w*|errors?|exception|reject\w*|nack)(_|$)")
MOVES = re.compile(
    r"^(move|mark|send|push|put|add|write|store|save|route|publish|park|enqueue|insert|append|persist|forward|transfer|to|produce|emit|dump|spill)_"
)
IS_DEAD = re.compile(r"^(dead_?letter)(_(message|task|job|event|item|entry|request|record|it))?$")
TO_THE_DEAD = re.compile(
    r"^(move|send|push|put|route|publish|transfer)_(\w+_)?to_(dead|dlt|graveyard|morgue)$|^move_(\w+_)?to_failed$"
)
# A function in which messages are given up, so that what it keeps as dead are messages.
GIVES_UP = re.compile(r"(^|_)(n?ack|reject|fail(ed|ure)?|bury|kill|give_up|discard|abandon)(_|$)")
TELLS = re.compile(
    r"(^|_)(count|metrics?|stats?|log|logs|observe|track|report|reports|alert|notify|config|settings|schema|size|depth|name|key|url|topic|path|len|total|age|label)(_|$)"
)
