"""The libraries Mayfly is built on, each from the system unless the including workspace defined it first."""

load("//third_party:system.bzl", "system_library")

SYSTEM_LIBRARIES = {
    "google_benchmark": dict(
        build_file = Label("//third_party:google_benchmark.BUILD"),
        debian = "libbenchmark-dev",
        headers = ["benchmark"],
    ),
    "cli11": dict(
        build_file = Label("//third_party:cli11.BUILD"),
        debian = "libcli11-dev",
        headers = ["CLI"],
    ),
    "concurrentqueue": dict(
        build_file = Label("//third_party:concurrentqueue.BUILD"),
        debian = "libconcurrentqueue-dev",
        headers = ["concurrentqueue"],
    ),
    "doctest": dict(
        build_file = Label("//third_party:doctest.BUILD"),
        debian = "doctest-dev",
        headers = ["doctest"],
    ),
    "fmt": dict(
        build_file = Label("//third_party:fmt.BUILD"),
        debian = "libfmt-dev",
        headers = ["fmt"],
        libs = ["libfmt.so"],
    ),
    "libcurl": dict(
        build_file = Label("//third_party:libcurl.BUILD"),
        debian = "libcurl4-openssl-dev",
        headers = ["curl"],
        libs = ["libcurl.so"],
    ),
    "onetbb": dict(
        build_file = Label("//third_party:onetbb.BUILD"),
        debian = "libtbb-dev",
        headers = [
            "oneapi",
            "tbb",
        ],
        libs = ["libtbb.so"],
    ),
    "protobuf": dict(
        build_file = Label("//third_party:protobuf.BUILD"),
        debian = "libprotoc-dev",
        headers = ["google/protobuf"],
        libs = ["libprotobuf.so"],
    ),
    "rapidcheck": dict(
        build_file = Label("//third_party:rapidcheck.BUILD"),
        debian = "librapidcheck-dev",
        headers = [
            "rapidcheck",
            "rapidcheck.h",
        ],
        libs = ["librapidcheck.a"],
    ),
    "simdjson": dict(
        build_file = Label("//third_party:simdjson.BUILD"),
        debian = "libsimdjson-dev",
        headers = ["simdjson.h"],
        libs = ["libsimdjson.so"],
    ),
    "spdlog": dict(
        build_file = Label("//third_party:spdlog.BUILD"),
        debian = "libspdlog-dev",
        headers = ["spdlog"],
        libs = ["libspdlog.so"],
    ),
    "sqlite3": dict(
        build_file = Label("//third_party:sqlite3.BUILD"),
        debian = "libsqlite3-dev",
        headers = [
            "sqlite3.h",
            "sqlite3ext.h",
        ],
        libs = ["libsqlite3.so"],
    ),
    "tomlplusplus": dict(
        build_file = Label("//third_party:tomlplusplus.BUILD"),
        debian = "libtomlplusplus-dev",
        headers = ["toml++"],
    ),
    "zlib": dict(
        build_file = Label("//third_party:zlib.BUILD"),
        debian = "zlib1g-dev",
        headers = [
            "zconf.h",
            "zlib.h",
        ],
        libs = ["libz.so"],
    ),
    "zstd": dict(
        build_file = Label("//third_party:zstd.BUILD"),
        debian = "libzstd-dev",
        headers = [
            "zstd.h",
            "zstd_errors.h",
        ],
        libs = ["libzstd.so"],
    ),
}

def mayfly_dependencies():
    """Defines each library that the including workspace has not defined."""
    existing = native.existing_rules()
    for name, attrs in SYSTEM_LIBRARIES.items():
        if name not in existing:
            system_library(name = name, **attrs)
