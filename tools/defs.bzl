"""mayfly_library, mayfly_test: cc rules with Mayfly's options and its include prefix."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")
load("//tools:copts.bzl", "MAYFLY_COPTS")

def mayfly_library(name, hdrs = [], srcs = [], copts = [], visibility = ["//visibility:public"], **kwargs):
    """A library of engine/: its headers are included as "mayfly/<folder>/<header>".

    Args:
      name: the target.
      hdrs: public headers.
      srcs: sources and private headers.
      copts: further compiler options.
      visibility: public unless said otherwise.
      **kwargs: passed to cc_library.
    """
    folder = native.package_name()
    if folder.startswith("engine/"):
        folder = folder[len("engine/"):]
    cc_library(
        name = name,
        hdrs = hdrs,
        srcs = srcs,
        copts = MAYFLY_COPTS + copts,
        include_prefix = "mayfly/" + folder,
        strip_include_prefix = "/" + native.package_name(),
        visibility = visibility,
        **kwargs
    )

def mayfly_test(name, srcs, deps = [], copts = [], size = "small", tags = [], concurrent = False, **kwargs):
    """A doctest binary. Cases belong in srcs: the linker drops those of a library.

    Args:
      name: the target.
      srcs: its sources.
      deps: what it tests.
      copts: further compiler options.
      size: as in Bazel.
      tags: as in Bazel.
      concurrent: also runs under ThreadSanitizer (tools/test --sanitizers).
      **kwargs: passed to cc_test.
    """
    cc_test(
        name = name,
        srcs = srcs,
        copts = MAYFLY_COPTS + copts,
        size = size,
        tags = tags + (["concurrent"] if concurrent else []),
        deps = deps + [str(Label("//tests:doctest_main"))],
        **kwargs
    )
