# Sourced by tools/quickstart, tools/test and .ci/run: installs what is missing, on Debian 12.
# Elsewhere it lists what is needed and exits with 69 (EX_UNAVAILABLE).

mayfly_packages() { sed 's/[[:space:]]*#.*//; /^$/d' "$MAYFLY_ROOT/tools/packages.txt"; }

mayfly_missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# mayfly_setup [PACKAGE...]: the packages of packages.txt and these.
mayfly_setup() {
  local packages missing sudo=()
  mapfile -t packages < <(mayfly_packages)
  packages+=("$@")
  if ! grep -qs '^ID=debian' /etc/os-release || ! grep -qs '^VERSION_ID="12"' /etc/os-release; then
    command -v bazel >/dev/null && [[ -n ${MAYFLY_SKIP_SETUP:-} ]] && return
    {
      echo "This script sets up Debian 12. Elsewhere, install the equivalents of these packages,"
      echo "then run it again with MAYFLY_SKIP_SETUP=1 (Bazel 7 and newer reads MODULE.bazel):"
      printf '  %s\n' "${packages[@]}"
    } >&2
    exit 69
  fi
  mapfile -t missing < <(mayfly_missing "${packages[@]}")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
      exit 69
    fi
    sudo=(sudo)
  fi
  echo "Installing ${#missing[@]} packages: ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "Installing failed. See above; then run this script again." >&2
    exit 69
  fi
  rm -f "$log"
}
