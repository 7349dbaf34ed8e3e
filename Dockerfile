# loadgen in an image of its own: docker build -t loadgen:0.1.0 . && docker run --rm --network host loadgen:0.1.0 synth -b localhost:9092 ...
# Results stay in /results: mount a folder there that user 65532 may write (-v "$PWD/results:/results").
#
# The same sources give the same program: Cargo.lock fixes the crates, paths of the machine are mapped away, no time is in it.
FROM rust:1.90-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ make perl && rm -rf /var/lib/apt/lists/*
WORKDIR /loadgen
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY tests tests
COPY datasets datasets
COPY docs docs
COPY pipeline/model pipeline/model
ENV SOURCE_DATE_EPOCH=0 CARGO_INCREMENTAL=0 RUSTFLAGS="--remap-path-prefix=/usr/local/cargo=/cargo"
RUN cargo build --release --locked --bin loadgen && install -d /empty

# What the program is linked against, certificates, and nothing else: no shell, so that fault commands run elsewhere.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /loadgen/target/release/loadgen /usr/local/bin/loadgen
COPY scenarios /scenarios
COPY datasets /datasets
COPY --from=build --chown=65532:65532 /empty /results
USER 65532:65532
ENV LOADGEN_RESULTS_DIR=/results
ENTRYPOINT ["/usr/local/bin/loadgen"]
CMD ["--help"]
