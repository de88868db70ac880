"""system_library: a repository made of a library that the machine has installed.

Its tree holds only links to the headers named, under include/, and to the
libraries named, under lib/, with and without the version that programs are
linked to. That matters: a new_local_repository on
/usr/include puts all of /usr/include on the quote path of whoever depends on
it, which breaks every build outside the sandbox.
"""

def _find(ctx, roots, dirs, name):
    for root in roots:
        for d in dirs:
            path = ctx.path(root + "/" + d + "/" + name)
            if path.exists:
                return path
    return None

def _system_library_impl(ctx):
    # Under bzlmod ctx.name is mangled: "mayfly~~system_libraries~onetbb".
    name = ctx.name.replace("+", "~").split("~")[-1]
    var = "MAYFLY_%s_ROOT" % name.upper()
    roots = [ctx.os.environ[var]] if ctx.os.environ.get(var) else ctx.attr.roots
    for header in ctx.attr.headers:
        path = _find(ctx, roots, ctx.attr.include_dirs, header)
        if not path:
            fail("@%s: no include/%s under %s. Install %s, or set --repo_env=%s=PREFIX, or define @%s before mayfly_dependencies()." %
                 (name, header, " or ".join(roots), ctx.attr.debian or "it", var, name))
        ctx.symlink(path, "include/" + header)
    for lib in ctx.attr.libs:
        path = _find(ctx, roots, ctx.attr.lib_dirs, lib)
        if not path:
            fail("@%s: no %s under %s. Install %s, or set --repo_env=%s=PREFIX." %
                 (name, lib, " or ".join(roots), ctx.attr.debian or "it", var))
        ctx.symlink(path, "lib/" + lib)

        # What programs ask for at run time: libtbb.so.12. Its number is the distribution's.
        for sibling in path.dirname.readdir():
            version = sibling.basename[len(lib) + 1:]
            if sibling.basename.startswith(lib + ".") and version.isdigit():
                ctx.symlink(sibling, "lib/" + sibling.basename)
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % name)
    ctx.symlink(ctx.attr.build_file, "BUILD.bazel")

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "debian": attr.string(doc = "the Debian package to name when it is missing"),
        "headers": attr.string_list(mandatory = True, doc = "files or folders below include/"),
        # The second and third are Debian's for headers that differ between architectures.
        "include_dirs": attr.string_list(default = ["include", "include/x86_64-linux-gnu", "include/aarch64-linux-gnu"]),
        "lib_dirs": attr.string_list(default = ["lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib64", "lib"]),
        "libs": attr.string_list(),
        "roots": attr.string_list(default = ["/usr", "/usr/local"]),
    },
    environ = ["MAYFLY_%s_ROOT" % n for n in [
        "CLI11",
        "CONCURRENTQUEUE",
        "DOCTEST",
        "FMT",
        "GOOGLE_BENCHMARK",
        "LIBCURL",
        "ONETBB",
        "PROTOBUF",
        "RAPIDCHECK",
        "SIMDJSON",
        "SPDLOG",
        "SQLITE3",
        "TOMLPLUSPLUS",
        "ZLIB",
        "ZSTD",
    ]],
    local = True,
)
