"""Options that every target carries, also when another workspace builds it."""

# After the --cxxopt of whoever builds, so it wins. Warnings are not here: they are in .bazelrc, for
# this workspace alone. -O3 under -c opt: the writer's and the readers' loops are worth it.
MAYFLY_COPTS = ["-std=c++20"]
