# PostgreSQL's own image with the extension in it:
#
#   docker build -t similarity --build-arg PG=17 .
#   docker run -e POSTGRES_PASSWORD=... --shm-size=1g similarity
#
# then CREATE EXTENSION similarity in a database.  PG is 15 to 18.  Index builds
# and parallel queries take shared memory, of which docker gives 64 MB unless
# told otherwise.
ARG PG=17
ARG DEBIAN=bookworm

FROM postgres:${PG}-${DEBIAN} AS build
ARG PG
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends gcc libc6-dev libjpeg62-turbo-dev libpng-dev make perl \
		"postgresql-server-dev-${PG}" \
	&& rm -rf /var/lib/apt/lists/*
COPY . /usr/src/similarity
WORKDIR /usr/src/similarity
RUN make -s -j"$(nproc)" && make -s install DESTDIR=/out

FROM postgres:${PG}-${DEBIAN}
# hadolint ignore=DL3008
RUN apt-get update \
	&& apt-get install -y --no-install-recommends libjpeg62-turbo libopenblas0-pthread libpng16-16 \
	&& rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
