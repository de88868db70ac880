"""mayfly_benchmark: a Google Benchmark program, and a test that runs all of it for a moment."""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//tools:copts.bzl", "MAYFLY_COPTS")

def mayfly_benchmark(name, srcs, deps = [], smoke_args = [], copts = [], tags = [], **kwargs):
    """A benchmark. Run it with: bazel run -c opt //bench:NAME

    Args:
      name: the program; NAME_smoke is the test, so that a benchmark can't rot.
      srcs: its sources; Google Benchmark's main() is linked in.
      deps: what it measures.
      smoke_args: further arguments of the test.
      copts: further compiler options.
      tags: tags of both.
      **kwargs: passed to cc_binary.
    """
    cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        copts = MAYFLY_COPTS + copts,
        tags = tags,
        deps = deps + [
            Label("//bench:allocation_count"),
            Label("//third_party:benchmark_main"),
        ],
        **kwargs
    )
    native.sh_test(
        name = name + "_smoke",
        size = "small",
        srcs = [":" + name],
        args = ["--benchmark_min_time=0.001"] + smoke_args,
        tags = tags,
    )
