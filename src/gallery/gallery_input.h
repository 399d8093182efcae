/*
 * gallery_input.h
 *	  Input of users, as embeddings of a gallery.
 */
#ifndef GALLERY_GALLERY_INPUT_H
#define GALLERY_GALLERY_INPUT_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "model/model.h"

/* ERROR unless the gallery can embed input of this type; checks privileges. */
extern void gallery_require_input(const Gallery *gallery, Oid type);

/*
 * An embedding as a column of this type takes it: of its dimensions and kind,
 * and if it is a domain, by its conditions, which are its owner's code.
 */
extern Datum gallery_column_value(Embedding *embedding, Oid type, int32 typmod);

/* Input as embeddings of the gallery, after gallery_require_input(); describe is
 * for errors in raw input. */
extern Embedding *gallery_embed(const Gallery *gallery, Datum input, Oid type);
extern void gallery_embed_many(const Gallery *gallery, const Datum *inputs,
							   Oid type, int n, ModelInputContext describe,
							   void *arg, Embedding **out);

#endif							/* GALLERY_GALLERY_INPUT_H */
