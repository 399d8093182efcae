/*
 * test_double_passes.c
 *	  Graphs that fork and join with the engine computing in double: see
 *	  test_passes.c.
 */
#include "test_passes.c"
