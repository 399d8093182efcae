/*
 * label_choice.c
 *	  Which rows to label next: those that say most about the others.
 *
 * What a row adds only falls as others are chosen, so a row whose old gain is
 * no longer the greatest need not be computed again (Minoux 1978): gains wait in
 * a heap, and the first is chosen when it is still first with its new one.
 */
#include "eval/label_choice.h"

#include "base/interrupt.h"

typedef struct Gain
{
	double		gain;
	uint32_t	row;
} Gain;

typedef struct Choice
{
	const EvalNeighbors *neighbors;
	const float *weight;
	float	   *covered;		/* of each row, 0 .. 1 */
	Gain	   *heap;			/* greatest gain first */
	size_t		n;
} Choice;

/* ---- the heap ---- */

/* Ties to the row that came first */
static bool
is_before(Gain a, Gain b)
{
	return a.gain > b.gain || (a.gain == b.gain && a.row < b.row);
}

static void
sift_down(Choice *choice, size_t i)
{
	Gain		moved = choice->heap[i];

	for (size_t child = 2 * i + 1; child < choice->n; child = 2 * i + 1)
	{
		if (child + 1 < choice->n &&
			is_before(choice->heap[child + 1], choice->heap[child]))
			child++;
		if (!is_before(choice->heap[child], moved))
			break;
		choice->heap[i] = choice->heap[child];
		i = child;
	}
	choice->heap[i] = moved;
}

/* ---- coverage ---- */

/* How well a row covers its j-th neighbor */
static double
cover(const EvalNeighbors *neighbors, size_t row, int j)
{
	size_t		place = row * (size_t) neighbors->k + (size_t) j;

	return eval_nearness(neighbors, neighbors->row[place],
						 neighbors->distance[place]);
}

/* What a row would add */
static double
gain_of(const Choice *choice, size_t row)
{
	const EvalNeighbors *neighbors = choice->neighbors;
	double		gain = choice->weight[row] * (1 - choice->covered[row]);

	for (int j = 0; j < neighbors->count[row]; j++)
	{
		size_t		other = neighbors->row[row * (size_t) neighbors->k + (size_t) j];
		double		more;

		if (choice->weight[other] <= 0)
			continue;
		more = cover(neighbors, row, j) - choice->covered[other];
		if (more > 0)
			gain += choice->weight[other] * more;
	}
	return gain;
}

static void
take(Choice *choice, size_t row)
{
	const EvalNeighbors *neighbors = choice->neighbors;

	choice->covered[row] = 1;
	for (int j = 0; j < neighbors->count[row]; j++)
	{
		size_t		other = neighbors->row[row * (size_t) neighbors->k + (size_t) j];
		double		near = cover(neighbors, row, j);

		if (near > choice->covered[other])
			choice->covered[other] = (float) near;
	}
}

double
eval_unknown(const EvalNeighbors *neighbors, size_t row, double margin,
			 double distance)
{
	int			n = neighbors->count[row];
	double		radius = n == 0 ? 0 :
	neighbors->distance[row * (size_t) neighbors->k + (size_t) n - 1];

	if (n == 0 || distance <= radius)
		return 1 - margin;
	return radius <= 0 ? 1 : 1 - margin * radius / distance;
}

/* ---- choosing ---- */

static void
fill_heap(Choice *choice)
{
	choice->n = 0;
	for (size_t i = 0; i < choice->neighbors->n; i++)
	{
		if (interrupt_pending_at(i))
			return;
		if (choice->weight[i] > 0)
			choice->heap[choice->n++] = (Gain)
		{
			gain_of(choice, i), (uint32_t) i
		};
	}
	for (size_t i = choice->n / 2; i > 0; i--)
		sift_down(choice, i - 1);
}

/* The row with the greatest gain of now, off the heap */
static size_t
pop(Choice *choice)
{
	size_t		row;

	for (;;)
	{
		Gain		first = choice->heap[0];

		choice->heap[0].gain = gain_of(choice, first.row);
		if (choice->heap[0].gain >= first.gain)
			break;
		sift_down(choice, 0);
	}
	row = choice->heap[0].row;
	choice->heap[0] = choice->heap[--choice->n];
	if (choice->n > 0)
		sift_down(choice, 0);
	return row;
}

bool
eval_choose_rows(const EvalNeighbors *neighbors, const float *weight,
				 size_t want, Arena *arena, uint32_t *chosen, size_t *n,
				 Status *status)
{
	Choice		choice = {neighbors, weight};

	choice.covered = arena_alloc_zero(arena, neighbors->n * sizeof(float));
	choice.heap = arena_alloc_array(arena, neighbors->n, sizeof(Gain));
	*n = 0;
	if (choice.covered == NULL || choice.heap == NULL)
		return status_out_of_memory(status, "for a choice of rows");
	fill_heap(&choice);
	while (*n < want && choice.n > 0 && !interrupt_pending())
	{
		size_t		row = pop(&choice);

		take(&choice, row);
		chosen[(*n)++] = (uint32_t) row;
	}
	return true;
}
