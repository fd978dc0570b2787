#!/bin/sh
# rustc for scripts/fuzz.sh: our own crates tell the fuzzer where they have been ($COVERAGE); the libraries below them
# stay as `cargo test` has built them, which saves minutes.
case $CARGO_PKG_NAME:$* in
*"--crate-name build_script_build"*) exec "$@" ;;
# shellcheck disable=SC2086 # a list of flags
mcp-auth-*) exec "$@" $COVERAGE ;;
*) exec "$@" ;;
esac
