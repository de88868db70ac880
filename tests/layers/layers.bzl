"""layer_queries: what each target depends on directly, as files that layers_test compares."""

# Every library of the engine and every plugin. A new one is added here; layers_test fails for one that
# isn't.
LAYER_TARGETS = [
    "//engine/abi",
    "//engine/base",
    "//engine/base:base64",
    "//engine/base:json",
    "//engine/cache",
    "//engine/config",
    "//engine/config:plan",
    "//engine/data",
    "//engine/data:batch_view",
    "//engine/data:row_json",
    "//engine/data:schema",
    "//engine/data:value",
    "//engine/data/readers",
    "//engine/data/readers:letter_line",
    "//engine/graph",
    "//engine/net",
    "//engine/otlp",
    "//engine/otlp:exporter",
    "//engine/otlp:http_transport",
    "//engine/patterns",
    "//engine/patterns:signaling_http",
    "//engine/patterns:telemetry",
    "//engine/plugin",
    "//engine/policy",
    "//engine/runtime",
    "//engine/signal",
    "//engine/storage",
    "//engine/storage:checkpoint",
    "//engine/storage:replay_set",
    "//engine/storage:sqlite",
    "//engine/storage/hybrid",
    "//engine/storage/log_database",
    "//engine/storage/log_database:log_intake",
    "//engine/storage/log_database:spdlog_sink",
    "//engine/storage/persistent_window",
    "//engine/storage/retry",
    "//engine/storage/single_writer",
    "//engine/storage/single_writer:commit_queue",
    "//engine/storage/single_writer:group_writer",
    "//engine/storage/single_writer:shared_database",
    "//engine/storage/single_writer:statements",
    "//engine/storage/stats",
    "//engine/storage/write_buffer",
    "//engine/work",
    "//engine/work:for_each",
    "//engine/work:registry",
    "//engine/work:work_options",
    "//plugins/adaptive_rate:libadaptive_rate.so",
    "//plugins/anomaly_detector:libanomaly_detector.so",
    "//plugins/backpressure:libbackpressure.so",
    "//plugins/batch:libbatch.so",
    "//plugins/circuit_breaker:libcircuit_breaker.so",
    "//plugins/controlled_fanout:libcontrolled_fanout.so",
    "//plugins/dead_letters:libdead_letters.so",
    "//plugins/dedupe:libdedupe.so",
    "//plugins/dynamic_concurrency:libdynamic_concurrency.so",
    "//plugins/fault:libfault.so",
    "//plugins/file:libfile.so",
    "//plugins/filter:libfilter.so",
    "//plugins/fixed_work:libfixed_work.so",
    "//plugins/generate:libgenerate.so",
    "//plugins/keyed_priority_fanout:libkeyed_priority_fanout.so",
    "//plugins/keyed_sequential:libkeyed_sequential.so",
    "//plugins/limit:liblimit.so",
    "//plugins/map:libmap.so",
    "//plugins/pass:libpass.so",
    "//plugins/persistent_window:libpersistent_window.so",
    "//plugins/reactive_fanout:libreactive_fanout.so",
    "//plugins/retry:libretry.so",
    "//plugins/route:libroute.so",
    "//plugins/sample:libsample.so",
    "//plugins/sdk",
    "//plugins/sdk:permits",
    "//plugins/signal_aware:libsignal_aware.so",
    "//plugins/signal_coordinated_reads:libsignal_coordinated_reads.so",
    "//plugins/signal_log_watcher:libsignal_log_watcher.so",
    "//plugins/signaling_http:http_sender",
    "//plugins/signaling_http:libsignaling_http.so",
    "//plugins/telemetry:libtelemetry.so",
]

def _name(target):
    return target.replace("//", "").replace("/", "_").replace(":", "__").replace(".", "_")

def layer_queries():
    """One genquery per target.

    Returns:
      the labels of the queries.
    """
    names = []
    for target in LAYER_TARGETS:
        name = "deps_of_" + _name(target)
        native.genquery(
            name = name,
            testonly = True,
            # The first line is the target itself: files are told apart by what they say.
            expression = 'filter("^//(engine|plugins|tools|third_party)", deps(%s, 1))' % target,
            opts = ["--noimplicit_deps"],
            scope = [target],
        )
        names.append(":" + name)

    # All that the listed targets reach within the engine, to find targets that aren't listed.
    native.genquery(
        name = "reached",
        testonly = True,
        expression = 'kind("cc_library rule", filter("^//engine", deps(set(%s))))' % " ".join(LAYER_TARGETS),
        opts = ["--noimplicit_deps"],
        scope = LAYER_TARGETS,
    )

    # What a program that embeds Mayfly links.
    native.genquery(
        name = "linked",
        testonly = True,
        expression = 'filter("^//third_party:", deps(//:mayfly))',
        opts = ["--noimplicit_deps"],
        scope = ["//:mayfly"],
    )
    return names
