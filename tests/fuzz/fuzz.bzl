"""fuzz_target: a libFuzzer program, and the replay of its corpus as a test."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("//tools:copts.bzl", "MAYFLY_COPTS")

def fuzz_target(name, deps):
    """NAME_fuzz (with --config=fuzz; see tools/fuzz) and NAME_fuzz_test.

    Args:
      name: that of its corpus, corpus/NAME, and of its source, NAME_fuzz.cc.
      deps: what it tries.
    """
    cc_binary(
        name = name + "_fuzz",
        testonly = True,
        srcs = [name + "_fuzz.cc", "fuzz_input.h"],
        copts = MAYFLY_COPTS,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
    cc_test(
        name = name + "_fuzz_test",
        size = "small",
        srcs = [name + "_fuzz.cc", "fuzz_input.h", "replay_main.cc"],
        args = ["tests/fuzz/corpus/" + name],
        copts = MAYFLY_COPTS,
        data = native.glob(["corpus/" + name + "/**"]),
        deps = deps,
    )
