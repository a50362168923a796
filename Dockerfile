# syntax=docker/dockerfile:1
# docker build -t pve-steward .

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src

# Dependencies first, in a layer of their own: it is built anew only when a manifest changes. Cargo
# wants every member of the workspace to be there, so each gets its manifest and an empty source.
COPY Cargo.toml Cargo.lock ./
COPY demo/Cargo.toml demo/
COPY tests/fake_discord/Cargo.toml tests/fake_discord/
COPY tests/fake_proxmox/Cargo.toml tests/fake_proxmox/
RUN mkdir -p src demo/src tests/fake_discord/src tests/fake_proxmox/src \
 && echo 'fn main() {}' | tee src/main.rs > demo/src/main.rs \
 && touch src/lib.rs tests/fake_discord/src/lib.rs tests/fake_proxmox/src/lib.rs \
 && cargo build --release --locked -p pve-steward

# Then the program. Cargo goes by the time of the files, and the real ones can be older than the
# empty ones were.
COPY src src
RUN touch src/lib.rs src/main.rs \
 && cargo build --release --locked -p pve-steward \
 && mkdir /state

# No shell, no package manager; root certificates and the C library are in it.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/pve-steward /usr/local/bin/pve-steward
COPY config/example.toml /usr/share/doc/pve-steward/example.toml
# A new volume takes over the owner of the folder that it covers.
COPY --from=build --chown=65532:65532 --chmod=700 /state /var/lib/pve-steward
VOLUME /var/lib/pve-steward
WORKDIR /
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/usr/local/bin/pve-steward", "health"]
ENTRYPOINT ["/usr/local/bin/pve-steward"]
CMD ["run"]
