# Targets that developers use; see test/README.md.

.PHONY: help
help:
	@printf '%s\n' \
	'make             build (with_llvm=no skips the bitcode)' \
	'make install     into the directories of PG_CONFIG'"'"'s PostgreSQL; DESTDIR is honored' \
	'make install-vector   the extension vector beside it, see sql/vector/README' \
	'make installcheck   sql/ and test/isolation in a running server, after make install' \
	'make demo        everything from nothing on Fashion-MNIST' \
	'make tour        a guided tour of it, to be read while it runs' \
	'make demo-shards a table over four clusters: ROWS=250000 of each' \
	'make test        every test that takes minutes; installs what is missing' \
	'make test-all    these, 10,000 random queries, 100,000 hostile calls, 5,000 changed' \
	'                 model files, interrupts, unit tests and server under sanitizers,' \
	'make unit        unit tests of the pure rooms' \
	'make sanitize    the same under the address and undefined-behavior sanitizers' \
	'make sanitize-server   sql/ and test/isolation in a server made for the sanitizers' \
	'make test-17     the tests on PostgreSQL 17, in a Debian 13 tree that is made once; root only' \
	'make fuzz        every fuzz target for FUZZ_SECONDS' \
	'make lint        formatting, layers, exported symbols, warnings, install script' \
	'make format      format the C files' \
	'make coverage    what the tests reach: build/coverage.txt' \
	'make docs        docs/reference.md, from the comments in the catalog' \
	'make packages    Debian packages for the PostgreSQL versions that are installed' \
	'make release     check, test and pack this commit; nothing is tagged or sent' \
	'make compile_commands.json   how each file is compiled, for editors' \
	'make bench       speed, beside the machine'"'"'s own limits' \
	'make bench-index the index beside hnswlib: SETS="fashion wordnet mixture demo sizes"' \
	'make test-clients   client libraries and frameworks, from the registries of Python, Node, Java, Go and Rust' \
	'make test-browser   the HTML pages in headless Chromium; screenshots in build/browser' \
	'make clean       remove what was built' \
	'test/cluster     the private cluster: start, stop, psql, single tests'

# ---- unit tests of the pure rooms: plain programs, no server ----

UNIT_DIR = build/unit
UNIT_FLAGS = -O3
UNIT_CC = $(CC) -std=gnu11 -g $(UNIT_FLAGS) -fno-math-errno -fno-trapping-math $(WARNINGS) -D_GNU_SOURCE -Isrc -Itest/unit
UNIT_LIBS = -ljpeg -lpng -lm -ldl -lpthread
UNIT_TESTS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/test_*.c)))

# The pure rooms twice: as shipped, and with nn computing in double.
UNIT_OBJS = $(PURE_SOURCES:src/%.c=$(UNIT_DIR)/float/%.o)
UNIT_DOUBLE_OBJS = $(PURE_SOURCES:src/%.c=$(UNIT_DIR)/double/%.o)

$(UNIT_DIR)/float/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(UNIT_CC) -MMD -MP -c -o $@ $<

$(UNIT_DIR)/double/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(UNIT_CC) -DNN_DOUBLE -MMD -MP -c -o $@ $<

# test_double_*.c are linked with the double build.  (Static pattern rules:
# of two implicit ones make takes that whose objects exist already.)
UNIT_DOUBLE_TESTS = $(filter $(UNIT_DIR)/test_double_%,$(UNIT_TESTS))
UNIT_HEADERS = $(wildcard test/unit/*.h)
-include $(UNIT_OBJS:.o=.d) $(UNIT_DOUBLE_OBJS:.o=.d)

$(UNIT_DOUBLE_TESTS): $(UNIT_DIR)/%: test/unit/%.c $(UNIT_HEADERS) $(UNIT_DOUBLE_OBJS)
	$(UNIT_CC) -DNN_DOUBLE -o $@ $< $(UNIT_DOUBLE_OBJS) $(UNIT_LIBS)

$(filter-out $(UNIT_DOUBLE_TESTS),$(UNIT_TESTS)): $(UNIT_DIR)/%: test/unit/%.c $(UNIT_HEADERS) $(UNIT_OBJS)
	$(UNIT_CC) -o $@ $< $(UNIT_OBJS) $(UNIT_LIBS)

# the same program in both builds
$(UNIT_DIR)/test_double_frozen: test/unit/test_frozen.c
$(UNIT_DIR)/test_double_layers: test/unit/test_layers.c
$(UNIT_DIR)/test_double_passes: test/unit/test_passes.c
$(UNIT_DIR)/test_double_sequence_layers: test/unit/test_sequence_layers.c

# A run is a target: -j runs several, --output-sync keeps the lines of each together.
UNIT_RUNS = $(UNIT_TESTS:%=run-%)
.PHONY: unit sanitize $(UNIT_RUNS)
unit: $(UNIT_RUNS)

$(UNIT_RUNS): run-%: %
	@$<

sanitize:
	@$(MAKE) --no-print-directory -k unit UNIT_DIR=build/sanitize \
		UNIT_FLAGS='-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'

# ---- the server rooms: servers other than this machine's ----

.PHONY: sanitize-server test-17
sanitize-server:
	@test/sanitize/server

TEST_17 = unit regress isolation tap
test-17:
	@test/versions run sh -c 'make -s -j2 all $$MAKE_OPTIONS && test/run $(TEST_17)'

# ---- what tests reach, and what editors want to know ----

.PHONY: coverage docs packages release compile_commands.json
coverage:
	@test/coverage

docs:
	@$(MAKE) -s all with_llvm=no
	@CLUSTER=docs test/cluster fresh >/dev/null
	@CLUSTER=docs test/cluster psql -Xq -c 'CREATE EXTENSION similarity'
	@CLUSTER=docs test/cluster script docs/reference.sql >docs/reference.md.new
	@CLUSTER=docs test/cluster stop
	@mv docs/reference.md.new docs/reference.md

packages:
	@test/package

# RELEASE_OPTIONS: --no-test, or --tag
release:
	@test/release $(RELEASE_OPTIONS)

compile_commands.json:
	@$(MAKE) -nB all with_llvm=no | test/compile_commands >$@

# ---- fuzzing of the parsers: clang's libFuzzer with sanitizers ----

FUZZ_SECONDS = 60
FUZZ_RUNS = 10000
FUZZ_CC = $(shell command -v clang || command -v clang-14) -std=gnu11 -g -O1 -D_GNU_SOURCE -Isrc -Itest/fuzz \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_TARGETS = $(patsubst test/fuzz/fuzz_%.c,%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=build/fuzz/fuzz_%)
FUZZ_OBJS = $(PURE_SOURCES:src/%.c=build/fuzz/%.o)

build/fuzz/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) -MMD -MP -fsanitize=fuzzer-no-link -c -o $@ $<

-include $(FUZZ_OBJS:.o=.d)
$(FUZZ_PROGRAMS): build/fuzz/%: test/fuzz/%.c test/fuzz/fuzz.h $(FUZZ_OBJS)
	$(FUZZ_CC) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJS) $(UNIT_LIBS)

# A fixed number of runs from a fixed seed, or as many as there is time for
.PHONY: fuzz fuzz-quick
fuzz-quick: $(FUZZ_PROGRAMS)
	@test/fuzz/run -runs=$(FUZZ_RUNS) -seed=1 -- $(FUZZ_TARGETS)

fuzz: $(FUZZ_PROGRAMS)
	@test/fuzz/run -max_total_time=$(FUZZ_SECONDS) -- $(FUZZ_TARGETS)

# ---- the demo: every step from images to matches, with its output ----

.PHONY: demo
demo: export MAKE_OPTIONS = with_llvm=no
demo:
	@test/setup demo
	@$(MAKE) -s all with_llvm=no
	@test/demo/run

# A part of it, told for a reader
.PHONY: tour
tour: export MAKE_OPTIONS = with_llvm=no
tour:
	@test/setup demo
	@$(MAKE) -s all with_llvm=no
	@test/demo/tour

# A table over four clusters beside one cluster; ROWS of each
.PHONY: demo-shards
demo-shards: export MAKE_OPTIONS = with_llvm=no
demo-shards:
	@test/setup build
	@$(MAKE) -s all with_llvm=no
	@test/shards/run

# ---- everything ----

# ---- pages in a browser ----

.PHONY: test-clients
test-clients:
	@test/setup test
	@$(MAKE) -s -j2 all $(MAKE_OPTIONS)
	@test/clients/run

.PHONY: test-browser
test-browser: export MAKE_OPTIONS = with_llvm=no
test-browser:
	@test/setup test
	@$(MAKE) -s -j2 all $(MAKE_OPTIONS)
	@test/browser/run $(PAGES)

.PHONY: test test-all lint format
test:
	@test/setup test
	@$(MAKE) -s -j2 all
	@test/run

test-all:
	@test/setup test
	@$(MAKE) -s -j2 all
	@test/run --all

lint:
	@$(MAKE) -s -j2 all
	@test/lint/all

format:
	@test/lint/format --write

# ---- benchmarks: optimized as shipped, on a quiet machine ----

BENCH_CC = $(CC) -std=gnu11 -O2 $(PURE_CFLAGS) $(WARNINGS) -D_GNU_SOURCE -Isrc
BENCH_OBJS = $(PURE_SOURCES:src/%.c=build/bench/%.o)

build/bench/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(BENCH_CC) -MMD -MP -c -o $@ $<

-include $(BENCH_OBJS:.o=.d)
build/bench/bench_%: test/bench/bench_%.c test/bench/bench.h test/bench/bench_models.h $(BENCH_OBJS)
	$(BENCH_CC) -o $@ $< $(BENCH_OBJS) $(UNIT_LIBS)

# beside the kernels of hnswlib and faiss where their packages are installed
HNSWLIB = $(wildcard /usr/include/hnswlib/hnswlib.h)
FAISS = $(wildcard /usr/include/faiss/utils/distances.h)
FOREIGN = $(if $(HNSWLIB),hnswlib) $(if $(FAISS),faiss)

build/bench/%_kernels.o: test/bench/%_kernels.cpp
	@mkdir -p $(@D)
	$(CXX) -O3 -march=native -c -o $@ $<

build/bench/bench_kernels: test/bench/bench_kernels.c $(BENCH_OBJS) $(FOREIGN:%=build/bench/%_kernels.o)
	$(BENCH_CC) $(if $(HNSWLIB),-DHNSWLIB) $(if $(FAISS),-DFAISS) -o $@ $^ $(UNIT_LIBS) \
		$(if $(FAISS),-lfaiss -lgomp -llapack -lblas) $(if $(FOREIGN:%=%),-lstdc++)

# the index through SQL beside hnswlib; SETS="fashion demo" takes some of the data sets
SETS =
build/bench/hnswlib: test/bench/index/hnswlib.cpp test/bench/index/vectors.h
	@mkdir -p $(@D)
	$(CXX) -O3 -march=native -o $@ $< -lpthread

build/bench/sql_knn: test/bench/index/sql_knn.c test/bench/index/vectors.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) -I$(shell $(PG_CONFIG) --includedir) -o $@ $< -lpq -lm

.PHONY: bench-index bench-index-run
bench-index:
	@test/setup bench
	@$(MAKE) -s all with_llvm=no
	@$(MAKE) -s bench-index-run

bench-index-run: build/bench/hnswlib build/bench/sql_knn build/bench/bench_graph
	@test/bench/index/run $(SETS)

.PHONY: bench bench-train bench-codes bench-crowd bench-gallery bench-graph bench-kernels bench-media bench-neighbors bench-networks bench-projection bench-scan bench-text
bench: bench-train bench-codes bench-crowd bench-gallery bench-graph bench-kernels bench-media bench-neighbors bench-networks bench-projection bench-scan bench-text bench-index

bench-kernels: build/bench/bench_kernels
	@build/bench/bench_kernels

bench-media: build/bench/bench_media
	@build/bench/bench_media

# NETWORK=resnet18: one of them
bench-networks: build/bench/bench_networks
	@model/networks | test/bench/networks | build/bench/bench_networks $(NETWORK)

bench-neighbors: build/bench/bench_neighbors
	@build/bench/bench_neighbors

bench-projection: build/bench/bench_projection
	@build/bench/bench_projection

bench-scan: build/bench/bench_neighbors build/bench/bench_reading
	@$(MAKE) -s all with_llvm=no
	@test/bench/scan

bench-gallery: build/bench/bench_neighbors
	@$(MAKE) -s all with_llvm=no
	@test/bench/gallery

# wrong labels and rows to label, on Fashion-MNIST: half an hour
.PHONY: bench-audit
bench-audit:
	@$(MAKE) -s all with_llvm=no
	@test/bench/audit

bench-train: build/bench/bench_train
	@build/bench/bench_train

bench-codes: build/bench/bench_codes
	@build/bench/bench_codes

bench-crowd: build/bench/bench_crowd
	@build/bench/bench_crowd

# what the pool's short waits cost on a quiet machine: beside a pool that spins
# half a millisecond, always
build/bench/fixed/threads.o: src/base/threads.c Makefile
	@mkdir -p $(@D)
	$(BENCH_CC) -DMIN_SPIN=20000 -c -o $@ $<

build/bench/fixed/bench_step: test/bench/bench_step.c test/bench/bench_models.h build/bench/fixed/threads.o $(BENCH_OBJS)
	$(BENCH_CC) -o $@ $< build/bench/fixed/threads.o $(filter-out %/base/threads.o,$(BENCH_OBJS)) $(UNIT_LIBS)

.PHONY: bench-quiet bench-turns bench-trainings
bench-quiet: build/bench/fixed/bench_step build/bench/bench_step
	@test/bench/turns 80 20 $^ hello 20 2
	@test/bench/turns 80 5 $^ notebook 64 2
	@test/bench/turns 40 2 $^ pictures 48 2

# OLD=/elsewhere/build/bench/bench_step: of another commit, by turns with this
bench-turns: build/bench/bench_step
	@test/bench/turns 60 2 $(OLD) $< hello 20 1
	@test/bench/turns 60 1 $(OLD) $< notebook 64 1
	@test/bench/turns 30 1 $(OLD) $< pictures 48 1
	@test/bench/turns 8 1 $(OLD) $< resnet18 64 1
	@test/bench/turns 60 1 $(OLD) $< hello 256 1 embed

# PHOTOS: a folder of photographs for each class
bench-trainings:
	@$(MAKE) -s all with_llvm=no
	@CLUSTER=bench test/cluster fresh
	@CLUSTER=bench test/cluster script test/bench/trainings.sql
	@CLUSTER=bench test/cluster stop

# printing is PostgreSQL's: its library is linked beside ours
build/bench/bench_text: UNIT_LIBS += -L$(shell $(PG_CONFIG) --pkglibdir) -lpgcommon -lpgport

bench-text: build/bench/bench_text
	@build/bench/bench_text

# needs dataset-fashion-mnist and python3-numpy; wordnet cosine: python3-sklearn and wordnet-base too
BENCH_DATA = fashion
BENCH_METRIC = l2
bench-graph: build/bench/bench_graph
	@/usr/bin/python3 test/bench/index/data.py $(BENCH_DATA) build/bench
	@build/bench/bench_graph build/bench/$(BENCH_DATA) $(BENCH_METRIC) 2 1 100 6 10 20 40 100
