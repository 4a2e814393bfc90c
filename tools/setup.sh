#!/usr/bin/env bash
# Set up what the project needs to run and to be tested: system packages and a virtual environment.
#
#     PYTHON=python3 VENV=.venv tools/setup.sh
#
# Run it as often as you like: what is there already is left alone. `make` does so before each
# command. System packages are only installed by root on Debian and its relatives; everybody else
# is told what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
STAMP=$VENV/.napari-marrow-setup
PATH=$PATH:/usr/sbin:/sbin # where Debian keeps ldconfig

# What a real napari viewer needs on Linux: Debian's package, and how we see that it is there (a
# command, a library, or files). Newer releases call some packages otherwise (libglib2.0-0t64);
# apt-get knows.
NEEDED="
xvfb                 command Xvfb
xauth                command xauth
libegl1              library libEGL.so.1
libgl1               library libGL.so.1
libopengl0           library libOpenGL.so.0
libgl1-mesa-dri      files   /usr/lib*/dri/*_dri.so /usr/lib/*/dri/*_dri.so
libxkbcommon-x11-0   library libxkbcommon-x11.so.0
libdbus-1-3          library libdbus-1.so.3
libxcb-cursor0       library libxcb-cursor.so.0
libxcb-icccm4        library libxcb-icccm.so.4
libxcb-image0        library libxcb-image.so.0
libxcb-keysyms1      library libxcb-keysyms.so.1
libxcb-randr0        library libxcb-randr.so.0
libxcb-render-util0  library libxcb-render-util.so.0
libxcb-shape0        library libxcb-shape.so.0
libxcb-xinerama0     library libxcb-xinerama.so.0
libxcb-xfixes0       library libxcb-xfixes.so.0
libxcb-xkb1          library libxcb-xkb.so.1
libfontconfig1       library libfontconfig.so.1
libglib2.0-0         library libglib-2.0.so.0
fonts-dejavu-core    files   /usr/share/fonts/*/* /usr/local/share/fonts/*
"

say() { printf 'setup: %s\n' "$*" >&2; }
stop() {
  say "$@"
  exit 1
}

# The Debian packages of NEEDED that are not there.
missing_packages() {
  local libraries package kind what patterns pattern
  libraries=$(ldconfig -p 2>/dev/null || true)
  while read -r package kind what; do
    case $kind in
      command) command -v "$what" >/dev/null || echo "$package" ;;
      library) [[ $libraries == *"$what "* ]] || echo "$package" ;;
      files)
        read -ra patterns <<<"$what"
        for pattern in "${patterns[@]}"; do
          compgen -G "$pattern" >/dev/null && continue 2
        done
        echo "$package"
        ;;
    esac
  done <<<"$NEEDED"
}

# Whether this Python has what makes a virtual environment; Debian keeps it in python3-venv.
can_make_venv() { "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }

# Python's version if it is one that the project runs on.
good_version() {
  "$1" -c 'import sys; v = sys.version_info[:2]; print("%d.%d" % v)
sys.exit(not (3, 11) <= v < (3, 14))' 2>/dev/null
}

system_packages() {
  local missing
  [[ $(uname -s) == Linux ]] || return 0
  mapfile -t missing < <(missing_packages)
  if [[ ! -x $VENV/bin/python ]]; then
    if [[ $PYTHON == python3 ]] && ! command -v python3 >/dev/null; then
      missing+=(python3 python3-venv)
    elif command -v "$PYTHON" >/dev/null && ! can_make_venv; then
      missing+=("$(basename "$(readlink -f "$(command -v "$PYTHON")")")-venv")
    fi
  fi
  ((${#missing[@]})) || return 0
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    say "These packages (by their names in Debian) are missing: ${missing[*]}"
    stop "Install them and run this again. On Debian: sudo apt-get install ${missing[*]}"
  fi
  say "installing system packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

make_environment() {
  local version
  if "$VENV/bin/python" -c '' 2>/dev/null; then
    version=$(good_version "$VENV/bin/python") ||
      stop "$VENV has Python $version, and the project needs 3.11, 3.12 or 3.13." \
        "Remove $VENV, or choose another folder: make VENV=.venv-3.12 PYTHON=python3.12"
    return 0
  fi
  command -v "$PYTHON" >/dev/null ||
    stop "There is no $PYTHON. Name a Python of version 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3"
  version=$(good_version "$PYTHON") ||
    stop "$PYTHON is Python ${version:-of unknown version}, and the project needs 3.11, 3.12 or 3.13." \
      "Name another one: make PYTHON=python3.12"
  say "making $VENV with Python $version"
  "$PYTHON" -m venv --clear "$VENV"
}

install_packages() {
  local now mirror
  now=$(cksum pyproject.toml tools/setup.sh)
  [[ -f $STAMP && $(<"$STAMP") == "$now" ]] && return 0
  say "installing the project and its test tools into $VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check uv
  # uv is many times faster than pip, but does not read pip's configuration: pass its index on.
  mirror=$("$VENV/bin/python" -m pip config list | sed -n "s/^[^=]*\.index-url='\(.*\)'$/\1/p" | tail -n 1)
  [[ -n $mirror ]] && export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$mirror}
  # Compiled now, by all processors: else each process that starts first compiles TensorFlow anew.
  if ! "$VENV/bin/uv" pip install --quiet --compile-bytecode --python "$VENV/bin/python" --editable . --group dev; then
    say "uv could not install them; trying pip, which follows this machine's configuration."
    "$VENV/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
    "$VENV/bin/python" -m pip install --quiet --editable . --group dev
  fi
  echo "$now" >"$STAMP"
}

system_packages
make_environment
install_packages
