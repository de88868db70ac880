"""mayfly_plugin: a self-contained shared library that exports mayfly_plugin_v1 and nothing else."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")
load("//tools:copts.bzl", "MAYFLY_COPTS")

# Labels of Mayfly's own workspace, whoever includes it.
_LDS = Label("//plugins:plugin.lds")
_SDK = Label("//plugins/sdk")
_SANITIZED = Label("//plugins:sanitized")
_CONFORMANCE = Label("//engine/plugin:conformance")
_CONFORMANCE_MAIN = Label("//engine/plugin:conformance_main.cc")
_PAGE_MAIN = Label("//engine/plugin:page_main.cc")
_PLUGIN = Label("//engine/plugin")
_STORAGE = Label("//engine/storage")
_RUN_EXAMPLE = Label("//tests/plugin_examples:run_example.sh")
_MAYFLY = Label("//tools/mayfly")
_GENERATE = Label("//plugins/generate:libgenerate.so")
_ABI = Label("//engine/abi")

_CC_COPTS = MAYFLY_COPTS + ["-fvisibility-inlines-hidden"]

_C_COPTS = ["-std=c11"]

def mayfly_plugin(
        name,
        srcs,
        deps = [],
        copts = [],
        linkopts = [],
        additional_linker_inputs = [],
        conformance_options = [],
        page = None,
        example = None,
        example_plugins = [],
        example_data = [],
        features = [],
        tags = [],
        visibility = ["//visibility:public"],
        **kwargs):
    """Builds lib<name>.so, which can be copied and loaded anywhere, and tests that it conforms.

    <name>_conformance_test runs the suite of `mayfly plugins check` over it.

    Its libraries are linked into it (linkstatic), so that it needs nothing beside it but what its
    deps name as system libraries. The C++ runtime stays shared: two copies in one process would
    each have their own exception and iostream state.

    It is linked with bfd: gold and lld export those weak symbols of std:: that a shared library beside
    the plugin also has, in spite of the version script, and Bazel's start-end archives are gold's.

    Args:
      name: the plugin's name; the target is lib<name>.so.
      srcs: its sources, one of which ends with MAYFLY_SDK_PLUGIN. If all are C, they have the ABI's
        header in place of the SDK.
      deps: its libraries, besides the SDK.
      copts: further compiler options.
      linkopts: further linker options.
      additional_linker_inputs: further files for the linker.
      conformance_options: "option=value" for what the plugin requires, when the suite's guess (the
        smallest number, the column "id") doesn't do.
      page: its page, whose generated part <name>_page_test compares with the descriptor.
      example: a pipeline that <name>_example_test runs, with this plugin and `generate`.
      example_plugins: labels of the other plugins that the example names.
      example_data: files that it reads, which stand beside it.
      features: further toolchain features.
      tags: as in Bazel, of both targets.
      visibility: public unless said otherwise.
      **kwargs: passed to cc_binary.
    """
    in_c = not [src for src in srcs if not src.endswith(".c") and not src.endswith(".h")]
    cc_binary(
        name = "lib%s.so" % name,
        srcs = srcs,
        additional_linker_inputs = [str(_LDS)] + additional_linker_inputs,
        copts = (_C_COPTS if in_c else _CC_COPTS) + ["-fvisibility=hidden"] + copts,
        features = ["-supports_start_end_lib"] + features,
        linkopts = [
            "-fuse-ld=bfd",
            "-Wl,--version-script=$(location %s)" % _LDS,
        ] + select({
            # The sanitizers' symbols come from the program that loads it.
            str(_SANITIZED): [],
            "//conditions:default": ["-Wl,-z,defs"],
        }) + linkopts,
        linkshared = True,
        linkstatic = True,
        tags = tags,
        visibility = visibility,
        deps = [str(_ABI if in_c else _SDK)] + deps,
        **kwargs
    )
    cc_test(
        name = name + "_conformance_test",
        size = "small",
        srcs = [str(_CONFORMANCE_MAIN)],
        args = ["$(rootpath :lib%s.so)" % name] + conformance_options,
        copts = MAYFLY_COPTS,
        data = [":lib%s.so" % name],
        tags = tags,
        deps = [
            str(_CONFORMANCE),
            str(_STORAGE),
        ],
    )
    if page != None:
        cc_test(
            name = name + "_page_test",
            size = "small",
            srcs = [str(_PAGE_MAIN)],
            args = [
                "$(rootpath :lib%s.so)" % name,
                "$(rootpath %s)" % page,
            ],
            copts = MAYFLY_COPTS,
            data = [
                page,
                ":lib%s.so" % name,
            ],
            tags = tags,
            deps = [str(_PLUGIN)],
        )
    if example != None:
        # tests/schema reads those of all plugins.
        native.filegroup(
            name = name + "_example",
            srcs = [example],
            visibility = ["//visibility:public"],
        )
        libraries = [":lib%s.so" % name] + example_plugins
        if name != "generate":
            libraries.append(str(_GENERATE))
        native.sh_test(
            name = name + "_example_test",
            size = "small",
            srcs = [str(_RUN_EXAMPLE)],
            args = [
                "$(rootpath %s)" % _MAYFLY,
                "$(rootpath %s)" % example,
            ] + ["$(rootpath %s)" % library for library in libraries],
            data = [
                example,
                str(_MAYFLY),
            ] + example_data + libraries,
            tags = tags,
        )
