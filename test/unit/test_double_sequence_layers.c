/*
 * test_double_sequence_layers.c
 *	  Layers of sequences with the engine computing in double: see
 *	  test_sequence_layers.c.
 */
#include "test_sequence_layers.c"
