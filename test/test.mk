# Targets that developers use; see test/README.md.

# ---- unit tests of the pure rooms: plain programs, no server ----

UNIT_CC = $(CC) -std=gnu11 -g -O2 -fno-math-errno -fno-trapping-math $(WARNINGS) -D_GNU_SOURCE -Isrc -Itest/unit
UNIT_LIBS = -lm -ldl -lpthread
UNIT_TESTS = $(patsubst test/unit/%.c,build/unit/%,$(sort $(wildcard test/unit/test_*.c)))

# The pure rooms twice: as shipped, and with nn computing in double.
UNIT_OBJS = $(PURE_SOURCES:src/%.c=build/unit/float/%.o)
UNIT_DOUBLE_OBJS = $(PURE_SOURCES:src/%.c=build/unit/double/%.o)

build/unit/float/%.o: src/%.c $(HEADER_FILES)
	@mkdir -p $(@D)
	$(UNIT_CC) -c -o $@ $<

build/unit/double/%.o: src/%.c $(HEADER_FILES)
	@mkdir -p $(@D)
	$(UNIT_CC) -DNN_DOUBLE -c -o $@ $<

# test_double_*.c are linked with the double build.  (Static pattern rules:
# of two implicit ones make takes that whose objects exist already.)
UNIT_DOUBLE_TESTS = $(filter build/unit/test_double_%,$(UNIT_TESTS))
UNIT_HEADERS = $(wildcard test/unit/*.h)

$(UNIT_DOUBLE_TESTS): build/unit/%: test/unit/%.c $(UNIT_HEADERS) $(UNIT_DOUBLE_OBJS)
	$(UNIT_CC) -DNN_DOUBLE -o $@ $< $(UNIT_DOUBLE_OBJS) $(UNIT_LIBS)

$(filter-out $(UNIT_DOUBLE_TESTS),$(UNIT_TESTS)): build/unit/%: test/unit/%.c $(UNIT_HEADERS) $(UNIT_OBJS)
	$(UNIT_CC) -o $@ $< $(UNIT_OBJS) $(UNIT_LIBS)

# the same program in both builds
build/unit/test_double_layers: test/unit/test_layers.c

.PHONY: unit
unit: $(UNIT_TESTS)
	@failed=0; for t in $(UNIT_TESTS); do $$t || failed=1; done; exit $$failed

# ---- everything ----

.PHONY: test lint format
test:
	@test/setup test
	@$(MAKE) -s all
	@test/run

lint:
	@$(MAKE) -s all
	@test/lint/all

format:
	@test/lint/format --write

# ---- benchmarks: optimised as shipped, on a quiet machine ----

BENCH_CC = $(CC) -std=gnu11 -O2 $(PURE_CFLAGS) $(WARNINGS) -D_GNU_SOURCE -Isrc
BENCH_OBJS = $(PURE_SOURCES:src/%.c=build/bench/%.o)

build/bench/%.o: src/%.c $(HEADER_FILES)
	@mkdir -p $(@D)
	$(BENCH_CC) -c -o $@ $<

build/bench/bench_%: test/bench/bench_%.c $(BENCH_OBJS)
	$(BENCH_CC) -o $@ $< $(BENCH_OBJS) $(UNIT_LIBS)

.PHONY: bench bench-train
bench: bench-train

bench-train: build/bench/bench_train
	@build/bench/bench_train
