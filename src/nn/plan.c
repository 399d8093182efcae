/*
 * plan.c
 *	  Places of activations and gradients.
 *
 * Time runs from 0, the forward of layer 0, over nlayers, the loss, to 2 *
 * nlayers, the backward of layer 0.  Each thing has a size and the times of its
 * first and last use; the largest is placed first, each at the lowest place
 * where nothing lies that is used at the same time.
 */
#include "nn/plan.h"

/* Outputs, saved numbers and gradients of all layers, the input, the spare */
#define MAX_ITEMS (3 * NN_MAX_LAYERS + 2)

/* 64 bytes, or 128 in double */
#define ALIGNMENT 16

typedef struct Item
{
	size_t		size;
	int			first;			/* times of use */
	int			last;
	size_t		offset;
} Item;

typedef struct Planner
{
	const NnGraph *graph;
	bool		training;
	size_t		n;
	int			nitems;
	Item		items[MAX_ITEMS];
	int			input;			/* the item that each thing is in */
	int			outputs[NN_MAX_LAYERS];
	int			saved[NN_MAX_LAYERS];
	int			gradients[NN_MAX_LAYERS];
	int			spare;
} Planner;

static int
add_item(Planner *planner, size_t size, int first, int last)
{
	Item		item = {(size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, first, last, 0};

	planner->items[planner->nitems] = item;
	return planner->nitems++;
}

/* An item lives from its first to its last use. */
static void
use_item(Planner *planner, int i, int time)
{
	Item	   *item = &planner->items[i];

	item->first = time < item->first ? time : item->first;
	item->last = time > item->last ? time : item->last;
}

static int
backward_time(const Planner *planner, int i)
{
	return 2 * planner->graph->nlayers - i;
}

static int
consumers(const NnGraph *graph, int source)
{
	return source == NN_INPUT ? graph->input_consumers :
		graph->layers[source].consumers;
}

static int
output_item(const Planner *planner, int source)
{
	return source == NN_INPUT ? planner->input : planner->outputs[source];
}

/*
 * May layer i write over what it reads?  Nobody else may need that: no other
 * layer reads it, and the backward of none that left it there.  Layers in
 * place and views make chains that share one item: all of them are asked.
 */
static bool
may_overwrite(const Planner *planner, int i)
{
	const NnGraph *graph = planner->graph;
	int			item = output_item(planner, graph->layers[i].sources[0]);

	if (planner->training && graph->layers[i].reads_in)
		return false;
	for (int s = graph->layers[i].sources[0];; s = graph->layers[s].sources[0])
	{
		if (output_item(planner, s) != item)
			return true;
		if (consumers(graph, s) != 1 ||
			(s != NN_INPUT && planner->training &&
			 (graph->layers[s].reads_out || graph->layers[s].kept)))
			return false;
		if (s == NN_INPUT)
			return true;
	}
}

/*
 * The output's item, and until when this layer needs what it reads.  The last
 * output lives until the loss.
 */
static void
plan_output(Planner *planner, int i)
{
	const NnLayer *layer = &planner->graph->layers[i];
	bool		shares = layer->type->place == NN_VIEW ||
	(layer->type->place == NN_IN_PLACE && may_overwrite(planner, i));
	int			loss = planner->graph->nlayers;

	planner->outputs[i] = shares ? output_item(planner, layer->sources[0]) :
		add_item(planner, planner->n * layer->outputs, i, i);
	for (int k = 0; k < layer->nsources; k++)
	{
		int			item = output_item(planner, layer->sources[k]);

		use_item(planner, item, i);
		if (planner->training && layer->trained && layer->reads_in)
			use_item(planner, item, backward_time(planner, i));
	}
	if (planner->training && layer->trained && layer->reads_out)
		use_item(planner, planner->outputs[i], backward_time(planner, i));
	if (i == loss - 1 || layer->kept)
		use_item(planner, planner->outputs[i], loss);
}

/* From forward to backward of the same layer */
static void
plan_saved(Planner *planner, int i)
{
	const NnLayer *layer = &planner->graph->layers[i];
	size_t		size = nn_layer_saved(layer, (int) planner->n);

	planner->saved[i] = size == 0 ? -1 :
		add_item(planner, size, i, backward_time(planner, i));
}

/*
 * From the last layer to the first: those that read a layer have planned
 * before it when the gradient of its output begins.
 */
static void
plan_gradient(Planner *planner, int i)
{
	const NnLayer *layer = &planner->graph->layers[i];
	int			loss = planner->graph->nlayers;

	if (!layer->trained)
		return;
	if (i == loss - 1)
		planner->gradients[i] = add_item(planner, planner->n * layer->outputs,
										 loss, loss);
	use_item(planner, planner->gradients[i], backward_time(planner, i));
	for (int k = 0; k < layer->nsources; k++)
	{
		int			s = layer->sources[k];
		const NnLayer *source = &planner->graph->layers[s];
		bool		shares = layer->type->place != NN_APART &&
		consumers(planner->graph, s) == 1;

		if (s == NN_INPUT || !source->trained)
			continue;
		if (planner->gradients[s] >= 0)
		{
			if (planner->spare < 0)
				planner->spare = add_item(planner, 0, loss, 2 * loss);
			if (planner->items[planner->spare].size < planner->n * source->outputs)
				planner->items[planner->spare].size =
					planner->items[planner->gradients[s]].size;
		}
		else if (shares)
			planner->gradients[s] = planner->gradients[i];
		else
			planner->gradients[s] = add_item(planner,
											 planner->n * source->outputs,
											 backward_time(planner, i),
											 backward_time(planner, i));
		use_item(planner, planner->gradients[s], backward_time(planner, i));
	}
}

/*
 * The lowest place for an item among the first n of order, which lie by
 * offset:  first fit.  Items whose times do not meet are as if they were not
 * there.  Returns where it belongs in order.
 */
static int
place_item(const Planner *planner, Item *item, const int *order, int n)
{
	size_t		end = 0;
	int			before = 0;

	for (int i = 0; i < n; i++)
	{
		const Item *other = &planner->items[order[i]];

		if (other->last < item->first || item->last < other->first)
			continue;
		if (other->offset >= end && other->offset - end >= item->size)
			break;
		if (other->offset + other->size > end)
			end = other->offset + other->size;
	}
	item->offset = end;
	while (before < n && planner->items[order[before]].offset <= end)
		before++;
	return before;
}

/*
 * The largest first (greedy by size): small items then fill what gaps there
 * are.  Quadratic in the number of items, 1,538 at most.
 */
static size_t
place_items(Planner *planner)
{
	bool		placed[MAX_ITEMS] = {false};
	int			order[MAX_ITEMS];
	size_t		size = 0;

	for (int n = 0; n < planner->nitems; n++)
	{
		int			largest = -1;
		int			at;
		Item	   *item;

		for (int i = 0; i < planner->nitems; i++)
		{
			if (!placed[i] &&
				(largest < 0 ||
				 planner->items[i].size > planner->items[largest].size))
				largest = i;
		}
		item = &planner->items[largest];
		placed[largest] = true;
		at = place_item(planner, item, order, n);
		for (int i = n; i > at; i--)
			order[i] = order[i - 1];
		order[at] = largest;
		if (item->offset + item->size > size)
			size = item->offset + item->size;
	}
	return size;
}

static size_t
item_offset(const Planner *planner, int i)
{
	return i < 0 ? 0 : planner->items[i].offset;
}

/*
 * Items of outputs and saved numbers are made in the order of forward, those
 * of gradients in the order of backward; then all of them are placed.
 */
void
nn_plan(const NnGraph *graph, int n, bool training, NnPlan *plan)
{
	Planner		planner;

	planner.graph = graph;
	planner.training = training;
	planner.n = (size_t) n;
	planner.nitems = 0;
	planner.spare = -1;
	planner.input = add_item(&planner, planner.n * graph->inputs, 0, 0);
	for (int i = 0; i < graph->nlayers; i++)
	{
		planner.saved[i] = planner.gradients[i] = -1;
		plan_output(&planner, i);
		if (training)
			plan_saved(&planner, i);
	}
	if (training && nn_is_graded(graph, graph->embedding))
		planner.gradients[graph->embedding] =
			add_item(&planner,
					 planner.n * graph->layers[graph->embedding].outputs,
					 graph->nlayers, graph->nlayers);
	for (int i = graph->nlayers - 1; i >= 0 && training; i--)
		plan_gradient(&planner, i);
	plan->size = place_items(&planner);
	plan->input = item_offset(&planner, planner.input);
	plan->spare = item_offset(&planner, planner.spare);
	for (int i = 0; i < graph->nlayers; i++)
	{
		plan->outputs[i] = item_offset(&planner, planner.outputs[i]);
		plan->saved[i] = item_offset(&planner, planner.saved[i]);
		plan->gradients[i] = item_offset(&planner, planner.gradients[i]);
	}
}
