/*
 * test_double_frozen.c
 *	  Frozen layers with the engine computing in double: see test_frozen.c.
 */
#include "test_frozen.c"
