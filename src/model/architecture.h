/*
 * architecture.h
 *	  From a model's jsonb to a checked layer graph.
 *
 * layers is an array with one object for each layer; the object has one key,
 * the layer's type, whose value is the object of its parameters:
 * [{"flatten": {}}, {"dense": {"units": 64}}].  Besides the parameters of its
 * type every layer takes "name"; "inputs", the name or names of the layers
 * that it reads instead of the one before it; and "trainable", which is false
 * for a layer that trainings leave as it is.
 */
#ifndef MODEL_ARCHITECTURE_H
#define MODEL_ARCHITECTURE_H

#include "postgres.h"

#include "media/media.h"
#include "nn/nn.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/*
 * The graph of a model in arena.  input is the shape of one row, e.g.
 * {28,28,1}.  ERROR for everything that is wrong with either: the messages
 * name the layer, what is accepted and the shapes.
 */
extern NnGraph *spec_graph(Arena *arena, ArrayType *input, Jsonb *layers);

/*
 * How the model takes files of pictures: an object of media_params, or NULL for
 * what one gets who says nothing.  ERROR for other values, and if it is given
 * though the graph's input is not a picture.
 */
extern void spec_image(MediaSpec *image, const NnGraph *graph, Jsonb *json);

/* "28x28x1", palloc'd, for messages. */
extern char *spec_shape_text(const NnShape *shape);

/* An integer[] of the shape. */
extern ArrayType *spec_shape_array(const NnShape *shape);

#endif							/* MODEL_ARCHITECTURE_H */
