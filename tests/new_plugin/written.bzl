"""written_plugin: what tools/new_plugin writes, as sources of this package."""

_FILES = ["BUILD.bazel", "{name}.cc", "{name}_test.cc", "README.md", "example.toml"]

def written_plugin(name, option = ""):
    """Runs tools/new_plugin in a folder that has what it needs, and takes over all but the BUILD file.

    That one becomes BUILD.written, which new_plugin_test compares with this package's own.

    Args:
      name: of the plugin.
      option: of the tool.
    """
    files = [file.format(name = name) for file in _FILES]
    outs = [file.replace("BUILD.bazel", "BUILD.written") for file in files]
    native.genrule(
        name = name + "_written",
        srcs = ["//tests/layers:layers.bzl"],
        outs = outs,
        cmd = " && ".join([
            "root=$$(mktemp -d)",
            "mkdir -p $$root/tools $$root/plugins $$root/tests/layers",
            "cp $(location //tools:new_plugin) $$root/tools/new_plugin",
            "cp $(location //tests/layers:layers.bzl) $$root/tests/layers/layers.bzl",
            "chmod -R u+w $$root",
            "$$root/tools/new_plugin %s %s > /dev/null" % (option, name),
        ] + [
            "cp $$root/plugins/%s/%s $(RULEDIR)/%s" % (name, file, out)
            for file, out in zip(files, outs)
        ] + ["rm -rf $$root"]),
        tools = ["//tools:new_plugin"],
        visibility = ["//tests/new_plugin:__pkg__"],
    )
