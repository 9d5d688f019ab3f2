"""Which names speak of counters that report, of errors, and of the state that a program runs on."""

from __future__ import annotations

import re

from golden_rules.naming import snake

# Not `counts`, which are as often what a run or a tally by name was for.
_STORE = re.compile(r"(^|_)(stats?|statistics|metrics?|telemetry|counters)$")
_STATE = re.compile(
    r"(^|_)counter$|(^|_)(retr(y|ies)|retried|tries|attempts?|seq\w*|sequences?|ids?|uids?|idx|index\w*|offsets?|pos|position|cursor|next|depth|levels?"
    r"|nest(ing|ed)|indent\w*|refs?|ref_?count|pending|active|running|in_?flight|outstanding|current|cur|sizes?|len|length|capacity"
    r"|epochs?|steps?|iter(ations?)?|generations?|gen|versions?|rank|ports?|lines?|lineno|col|column|pages?|consecutive|waiters?|waiting"
    r"|ticks?|rounds?|turns?|serial|remaining|left|open|available|used|since|streak|priority|weights?|scores?|nonce|slots?|progress|revision"
    r"|strikes?|unfinished|concurren\w+|quota|burst|credit|permits?|balance|limit|points?|lives|stage|phase|level|batch_num|batch_idx)(_|$)"
)
_ERROR = re.compile(
    r"(^|_)(err|errs|error|errors|errored|fail|fails|failed|failure|failures|failing|exc|exception|exceptions|timeout|timeouts|timed_out|unreachable"
    r"|reject|rejected|rejections|drop|drops|dropped|invalid|crash|crashes|crashed|lost|abort|aborts|aborted|denied|refused|unavailable|malformed|discard"
    r"|discarded|disconnects?|disconnected|unhandled|bad|dead|reconnects?|panics?|restarts?)(_|$)"
)
_EVENT = re.compile(
    r"(^|_)(hit|hits|miss|misses|requests?|calls?|called|query|queries|operations|ops|invocations|processed|completed|completions|succeeded|success|successes"
    r"|successful|ok|executed|executions|runs|received|sent|published|delivered|deliveries|dispatched|evictions|evicted|enqueued|dequeued|submitted|accepted"
    r"|postponed|requeued|skipped|handled|served|consumed|produced|emitted|ignored|filtered|cached|fetched|scheduled|started|finished|acked|nacked|expired"
    r"|flushed|flushes|writes|reads|lookups|accesses|messages|events|warnings|reloads|triggered|opened|closed|created|deleted|updated|logins|connections"
    r"|tokens_used|bytes_sent|bytes_received|spilled|stolen)(_|$)"
)
# A single one of them before `_count`: `execution_count`, `query_count`.
_ONE_EVENT = re.compile(
    r"(^|_)(execution|invocation|operation|lookup|query|eviction|completion|delivery|access)_(count|cnt|total)$"
)
# Names that say it all: `error_count`, `total_requests`, `cache_hits`.
_SURE = re.compile(r"(_(count|total|cnt)$)|^(num|n|total|count)_|(^|_)(hits|misses)$")
# What a cache or a lookup came across, and what a cache gave up, which nothing is kept for but to be told.
_HITS = re.compile(r"(^|_)(hits|misses|evicts|evictions)$")
# A counter that calls itself a statistic, whatever it counts: `stat_resumes`.
_STATISTIC = re.compile(r"^(stats?|metrics?)_")
# Metrics that grow by a time or a size, one now and then: `sleep_seconds_total`.
_AMOUNT = re.compile(r"(^|_)(seconds|milliseconds|bytes)(_total)?( |$)")
_GAUGE = re.compile(
    r"(^|_)(gauge|in_?progress|in_?flight|inflight|active|current|pending|ongoing|running|waiting|open|connected|outstanding|concurren\w*|size|depth|ref_?counts?)(_|$)"
)
_METRIC_HOLDER = re.compile(
    r"(^|_)(stats?|statistics|statsd|dogstatsd|stats_?client|metrics?|telemetry|prom|prometheus|counters?|monitor|datadog|meter)(_|$)"
)
# What shows somebody who waits how far something got: `progress.inc()`.
_PROGRESS = re.compile(r"(^|_)(progress|progress_bar|p?bar|progress_tracker|tracker|spinner)$")
_COUNTER = re.compile(r"(^|_)(counters?|total|count|metrics?)(_|$)")
_REPORTING = re.compile(
    r"(^|_)(stats?|statistics|metrics?|telemetry|info|status|report|reports|summary|summarize|health|snapshot|describe|repr|str|debug|dump"
    r"|hit_rate|counters?|counts?|log|logs|collect|usage|diagnostics|to_dict|as_dict|rate|ratio|monitor|getstats)(_|$)"
)
# Where a program tells how it fares, rather than what it holds, did or came to.
_STATISTICS = re.compile(
    r"(^|_)(stats?|statistics|getstats|metrics?|telemetry|health|healthz|status|info|diagnostics|counters|counts|hit_(rate|ratio))(_|$)"
)
# `download_metrics_batch` has metrics for its subject, `log_metrics` and `metrics_loop` begin a new count of them.
_RESETTING = re.compile(
    r"(^|_)(init|initiali[sz]e|new|reset\w*|clear\w*|zero|setup|set_up)(_|$)"
    r"|^(start|open|flush|report|log|stats?|metrics?|collect|snapshot|rotate)(_|$)"
    r"|(^|_)(start|open|flush|report|log|stats?|metrics?|collect|snapshot|rotate)$"
)
# Classes whose numbers are their result, or that count for others.
_RESULT_OWNER = re.compile(
    r"(^|_)(results?|reports?|reporter|summary|parser|visitor|transformer|tokenizer|lexer|observer|tests?|suite|checker|linter|game|trainer|dataset|benchmark"
    r"|command|migration|migrator|importer|exporter|progress|progress_bar|printer|formatter|writer|builder|compiler|generator|step|callback|scraper|spider"
    r"|scanner|renderer|tally|tracker|monitor|meter|sensor|recorder|collector|usage|model|(?<!cache_)layer|optimizer|scheduler_state|evaluator|validator|counter|profiler|tracking|analytics|listener|consolidator|scrubber|redactor"
    r"|reducer|projection|projector|env|simulator|simulation|accumulator|assembler|aggregator|entry|task|job|run|\w*data(set)?_(reader|loader)|(metrics|stats|statistics)(_(state|store|data|registry|manager|service|hub))?)(_mixin)?$"
)
# A class that is a set of metrics, whose methods feed them for others: `ServerMetrics.on_claim`.
_SET_OF_METRICS = re.compile(
    r"(^|_)(metrics|telemetry|instrumentation)(_(registry|recorder|reporter|exporter|collector|sink))?$"
)
# One that looks after metrics may fetch, push and retry besides.
_METRICS_MANAGER = re.compile(r"(^|_)(metrics|telemetry|instrumentation)_(manager|service)$")
# What is told of events in order to count them: `MetricsEventHandler`.
_FOR_METRICS = re.compile(
    r"^_*(metrics?|stats|statistics|telemetry)_(\w+_)?(handler|listener|subscriber|observer|sink|hook|plugin|middleware|processor)$"
)
# What lets through so many and no more: its verdicts are what it is for.
_DOUBLE = re.compile(r"^_*(mock|fake|stub|dummy|spy)_")
_LIMITER = re.compile(
    r"(^|_)(rate_?limit|limiter|throttle|throttler|(token|leaky)_bucket|(fixed|sliding)_window|quota)(_|$)"
)


_CLIENT_OWNER = re.compile(r"^_*(prometheus|statsd|datadog|otel|open_?telemetry)_")


def is_store(name: str) -> bool:
    """Whether a name speaks of a place that keeps counters: `stats`, `self._metrics`."""
    return bool(_STORE.search(snake(name)))


def is_state(word: str) -> bool:
    """Whether a counter's name speaks of what a program runs on: a position, an attempt, a reference count."""
    return bool(_STATE.search(word))


def speaks_of_errors(word: str) -> bool:
    """Whether a counter's name speaks of failures."""
    return bool(_ERROR.search(word))


def speaks_of_events(word: str) -> bool:
    """Whether a counter's name speaks of things that happen: `requests`, `cache_hits`, `num_processed`."""
    return any(pattern.search(word) for pattern in (_EVENT, _ERROR, _STATISTIC, _ONE_EVENT))


def counts_hits(word: str) -> bool:
    """Whether a counter's name speaks of the hits, misses or evictions of a cache."""
    return bool(_HITS.search(word))


def is_sure_count(word: str) -> bool:
    """Whether a name says that it counts, and what."""
    return bool(_STATISTIC.search(word) or _SURE.search(word)) and speaks_of_events(word)


def is_amount(word: str) -> bool:
    """Whether a metric's name says that it adds up seconds or bytes, and counts nothing."""
    return bool(_AMOUNT.search(word))


def is_gauge(word: str) -> bool:
    """Whether a metric's name speaks of a present state that goes up and down."""
    return bool(_GAUGE.search(word))


def holds_metrics(name: str) -> bool:
    """Whether a name speaks of a metrics client or of a set of metrics."""
    return bool(_METRIC_HOLDER.search(snake(name)))


def is_progress(name: str) -> bool:
    """Whether a name speaks of what shows how far something got: a progress bar, a tracker."""
    return bool(_PROGRESS.search(snake(name)))


def is_counter(name: str) -> bool:
    """Whether a name speaks of a counter object."""
    return bool(_COUNTER.search(snake(name)))


def is_reporting(name: str) -> bool:
    """Whether a function's name says that it tells others what was counted: `get_stats`, `__repr__`, `health`."""
    return bool(_REPORTING.search(snake(name).strip("_")))


def tells_statistics(name: str) -> bool:
    """Whether a function's name says that it tells how the program fares: `get_stats`, `metrics`, `health`."""
    return bool(_STATISTICS.search(snake(name).strip("_")))


def may_reset(name: str) -> bool:
    """Whether a function's name says that it starts counting anew."""
    return bool(_RESETTING.search(snake(name).strip("_")))


def feeds_metrics(name: str) -> bool:
    """Whether a class's name says that it feeds metrics for others: `PrometheusObserver`, `ServerMetrics`, `Telemetry`."""
    word = snake(name)
    return bool(_CLIENT_OWNER.search(word) or _SET_OF_METRICS.search(word))


def manages_metrics(name: str) -> bool:
    """Whether a class's name says that it looks after metrics: `ReplicaMetricsManager`."""
    return bool(_METRICS_MANAGER.search(snake(name)))


def holds_results(name: str) -> bool:
    """Whether a class's name says that its numbers are what it is for, such as a parser's, a test observer's, a tally's, a simulation's, a rate limit's or a test double's."""
    word = snake(name)
    return any(pattern.search(word) for pattern in (_RESULT_OWNER, _LIMITER, _DOUBLE, _FOR_METRICS))
