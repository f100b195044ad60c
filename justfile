# Everything CI runs is a recipe here; `just ci` runs all of it as CI does.

# List the recipes.
default:
    @just --list

# All of CI, in CI's order.
ci:
    .ci/run

# The whole way on this machine: emulator, fetch, archive, index, three searches.
demo:
    cargo run --release -- demo

# Download what the lock file names, for every platform (what makes the offline checks possible).
fetch:
    cargo fetch --locked

# Every test. With ANNALS_TEST_PYTHON set, DuckDB and delta-rs read the tables too.
test:
    cargo test --workspace

# Tests of one crate: `just test-crate decode`.
test-crate crate:
    cargo test -p annals-{{ crate }}

# Two hundred times sixty days of nightly runs, in simulated time.
simulation:
    env ANNALS_TEST_SEEDS=200 cargo test --workspace --test simulation

# What is behind features: SQL, traces for OpenTelemetry, and the program killed at every named step of publishing.
features:
    env CARGO_PROFILE_DEV_DEBUG=0 cargo test -p annals -p annals-query --features failpoints,otel,sql --lib --bin annals --test it -- killed sql tracing

# Fuzz one target of the decoder (decode, rebuild or both_ways) for so many seconds. Needs nightly Rust and cargo-fuzz.
fuzz target seconds="60":
    mkdir -p target/fuzz/corpus/{{ target }}
    cargo +nightly fuzz run --fuzz-dir crates/decode/fuzz --target-dir target/fuzz {{ target }} \
        target/fuzz/corpus/{{ target }} crates/decode/fuzz/corpus/{{ target }} -- \
        -dict=crates/decode/fuzz/keys.dict -max_len=2048 -timeout=10 -rss_limit_mb=2048 -max_total_time={{ seconds }}

# Add to the repository what `just fuzz` found for a target, where it reaches code that nothing there reaches.
fuzz-keep target:
    cargo +nightly fuzz run --fuzz-dir crates/decode/fuzz --target-dir target/fuzz {{ target }} \
        crates/decode/fuzz/corpus/{{ target }} target/fuzz/corpus/{{ target }} -- \
        -merge=1 -use_counters=0 -max_len=600

# Only the house's own rules.
tidy:
    cargo test --test tidy

# Python readers for the tests, in an environment of their own, and Azurite beside them, which Node.js runs.
readers:
    python3 -m venv --clear target/ci/venv
    target/ci/venv/bin/python -m pip install --only-binary=:all: --no-binary=pyspark --requirement tests/requirements.txt
    cp -R tests/azurite target/ci/venv/
    npm ci --prefix target/ci/venv/azurite --ignore-scripts --no-audit --no-fund --loglevel=error
    @echo 'now: export ANNALS_TEST_PYTHON="$PWD/target/ci/venv/bin/python"'

# Format the code.
fmt:
    cargo fmt --all

# Fail when the code is not formatted.
fmt-check:
    cargo fmt --all --check

# Lints, warnings denied.
clippy:
    cargo clippy --workspace --all-targets --features sql -- -D warnings

# Documentation, warnings denied.
doc:
    env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --features sql

# Licences, bans and sources of the dependencies; needs cargo-deny 0.20.2 and `just fetch`.
deny:
    cargo deny --offline check bans licenses sources

# The binary that is shipped and benchmarked.
dist:
    cargo build --profile dist --features sql

# Annals against DuckDB and polars, on made-up traffic: 1 GB on disk, and some minutes of a machine that has nothing else to do.
bench: dist
    python3 -m venv target/bench/venv
    target/bench/venv/bin/python -m pip install --only-binary=:all: --requirement benches/head_to_head/requirements.txt
    python3 benches/head_to_head/make_hours.py target/dist/annals target/bench/day
    python3 benches/head_to_head/make_hours.py target/dist/annals target/bench/small --hours 1
    python3 benches/head_to_head/make_hours.py target/dist/annals target/bench/large --hours 1 --messages 1000000
    target/bench/venv/bin/python benches/head_to_head/run.py target/dist/annals --day target/bench/day/*.gz \
        --small target/bench/small/*.gz --large target/bench/large/*.gz --work target/bench

# The index against SQLite FTS5 and tantivy-py, and what searches take, on the hour files that `just bench` makes.
bench-search: dist
    target/bench/venv/bin/python benches/head_to_head/search.py target/dist/annals --day target/bench/day/*.gz \
        --work target/bench
    target/dist/annals load target/bench/day/*.gz --archive target/bench/searched
    cargo bench --profile dist --bench search -- "$PWD/target/bench/searched"

# `annals sql` against DuckDB over the same files: ten questions, on the archive that `just bench-search` loads.
bench-sql: dist
    target/bench/venv/bin/python benches/sql/run.py target/dist/annals target/bench/searched --work target/bench
