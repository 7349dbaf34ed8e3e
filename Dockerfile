# loadgen in an image of its own: docker build -t loadgen . && docker run --rm --network host loadgen synth -b localhost:9092 ...
# Results stay in /results: mount a folder there (-v "$PWD/results:/results").
FROM rust:1.90-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ make perl && rm -rf /var/lib/apt/lists/*
WORKDIR /loadgen
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY tests tests
COPY datasets datasets
COPY pipeline/model pipeline/model
RUN cargo build --release --locked

FROM debian:bookworm-slim
COPY --from=build /loadgen/target/release/loadgen /usr/local/bin/loadgen
COPY scenarios /scenarios
COPY datasets /datasets
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system loadgen && install -d -o loadgen /results
USER loadgen
ENV LOADGEN_RESULTS_DIR=/results
ENTRYPOINT ["loadgen"]
CMD ["--help"]
