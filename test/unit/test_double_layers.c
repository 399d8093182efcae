/*
 * test_double_layers.c
 *	  Every layer with the engine computing in double: see test_layers.c.
 */
#include "test_layers.c"
