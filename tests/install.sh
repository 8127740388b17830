#!/bin/sh
# install.sh - the library can be installed and used from elsewhere
# SPDX-License-Identifier: MIT
#
#     install.sh SOURCE_FOLDER BUILD_FOLDER
#
# The consumer is examples/first.c, outside of the tree: by find_package() and
# by pkg-config, shared and static, from a usual libdir and from one of two
# levels, and by add_subdirectory().  77 says that a library with sanitizers in
# it cannot be linked with a program that has none.
set -u

source=${1:?"usage: install.sh SOURCE_FOLDER BUILD_FOLDER"}
build=${2:?}
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
generator=$(sed -n 's/^CMAKE_GENERATOR:[A-Z]*=//p' "$build/CMakeCache.txt")
expected="0.9 2.1 2.9 4"
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
unset PKG_CONFIG_PATH LD_LIBRARY_PATH CMAKE_PREFIX_PATH

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    [ ! -e "$folder/log" ] || cat "$folder/log" >&2
    exit 1
}

# quietly COMMAND... - its output is shown only where it fails.
quietly() {
    "$@" >"$folder/log" 2>&1 || fail "failed: $*"
    rm -f "$folder/log"
}

configure() {
    quietly cmake -G "$generator" -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_BUILD_TYPE=Release "$@"
}

# prints PROGRAM - the program prints what the header says.
prints() {
    output=$("$@") || fail "$* fails: $output"
    [ "$output" = "$expected" ] || fail "$* prints '$output', not '$expected'"
}

# by_package PREFIX - a consumer of find_package() below 'PREFIX'.
by_package() {
    rm -rf "$folder/package"
    mkdir "$folder/package"
    cp "$source/examples/first.c" "$folder/package/"
    cat >"$folder/package/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(clstep 9.9 CONFIG QUIET)
if(clstep_FOUND)
    message(FATAL_ERROR "0.1 passes for 9.9")
endif()
find_package(clstep 0.1 CONFIG REQUIRED)
add_executable(shared first.c)
target_link_libraries(shared PRIVATE clstep::clstep)
add_executable(static first.c)
target_link_libraries(static PRIVATE clstep::clstep_static)
END
    configure -S "$folder/package" -B "$folder/package/build" \
        -DCMAKE_PREFIX_PATH="$1"
    quietly cmake --build "$folder/package/build"
    ldd "$folder/package/build/shared" | grep -q "$1.*libclstep.so" ||
        fail "shared is not linked with the installed library"
    ! ldd "$folder/package/build/static" | grep -q libclstep ||
        fail "static is linked with the shared library"
    prints "$folder/package/build/shared"
    prints "$folder/package/build/static"
}

# by_pkg_config PREFIX LIBDIR - a consumer of clstep.pc in a moved 'PREFIX'.
by_pkg_config() {
    PKG_CONFIG_PATH=$1/$2/pkgconfig
    export PKG_CONFIG_PATH
    [ "$(pkg-config --modversion clstep)" = 0.1.0 ] || fail "wrong version"
    [ -e "$(pkg-config --variable=libdir clstep)/libclstep.so" ] ||
        fail "clstep.pc has the libdir $(pkg-config --variable=libdir clstep)"
    # The words of pkg-config are several arguments.
    # shellcheck disable=SC2046
    quietly "$compiler" -std=c11 "$source/examples/first.c" \
        -o "$folder/shared" $(pkg-config --cflags --libs clstep)
    # shellcheck disable=SC2046
    quietly "$compiler" -std=c11 "$source/examples/first.c" \
        -o "$folder/static" $(pkg-config --cflags clstep) \
        -Wl,-Bstatic -lclstep -Wl,-Bdynamic -L"$1/$2" \
        $(pkg-config --static --libs clstep | sed 's/-lclstep//')
    ldd "$folder/shared" | grep -q libclstep || fail "shared is not"
    ! ldd "$folder/static" | grep -q libclstep || fail "static is not"
    prints env LD_LIBRARY_PATH="$1/$2" "$folder/shared"
    prints "$folder/static"
    unset PKG_CONFIG_PATH
}

if nm -u "$build/libclstep.a" | grep -q __asan_; then
    exit 77
fi

# The build that is tested, installed and then moved to another place.
libdir=$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$build/CMakeCache.txt")
quietly cmake --install "$build" --prefix "$folder/first"
mv "$folder/first" "$folder/moved"
by_package "$folder/moved"
by_pkg_config "$folder/moved" "$libdir"

# A libdir of two levels, as Debian has it.
configure -S "$source" -B "$folder/build" -DCLSTEP_TOOLS=OFF \
    -DCLSTEP_EXAMPLES=OFF -DBUILD_TESTING=OFF \
    -DCMAKE_INSTALL_PREFIX="$folder/deep" \
    -DCMAKE_INSTALL_LIBDIR=lib/x86_64-linux-gnu
quietly cmake --build "$folder/build"
quietly cmake --install "$folder/build"
by_package "$folder/deep"
by_pkg_config "$folder/deep" lib/x86_64-linux-gnu

# Within another project, which gets the library and nothing else.
mkdir "$folder/project"
cp "$source/examples/first.c" "$folder/project/"
cat >"$folder/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
add_subdirectory("$source" clstep EXCLUDE_FROM_ALL)
add_executable(shared first.c)
target_link_libraries(shared PRIVATE clstep::clstep)
add_executable(static first.c)
target_link_libraries(static PRIVATE clstep::clstep_static)
foreach(target clstep_command test_rules train_text)
    if(TARGET \${target})
        message(FATAL_ERROR "\${target} is built in another project")
    endif()
endforeach()
END
configure -S "$folder/project" -B "$folder/project/build"
quietly cmake --build "$folder/project/build"
prints "$folder/project/build/shared"
prints "$folder/project/build/static"
echo "install.sh: $expected"
