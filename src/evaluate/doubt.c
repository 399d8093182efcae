/*
 * doubt.c
 *	  What makes the numbers of a calibration or an evaluation doubtful.
 *
 * Valid input may still prove nothing, or something other than its author
 * intends: labels that the gallery does not have, items that are the gallery's
 * own rows, too few of them.  This file reports that: as a notice if many good
 * data sets show it too, otherwise as a warning.  It changes no result, except
 * that calibrate() asks whether the doubt is serious.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "evaluate/doubt.h"
#include "evaluate/evaluate_pass.h"
#include "gallery/gallery.h"
#include "server/labels.h"

/*
 * Fewer items make no cut point: of 20 of one kind one lies beyond the greatest
 * distance of the others, so that 5 % are refused by chance alone.
 */
#define FEW_ITEMS 20

/* Maximum number of labels that a message names */
#define NAMED_LABELS 5

/* A share that good data sets have as well is a notice. */
static int
level_of_share(int64 part, int64 whole)
{
	return 2 * part >= whole ? WARNING : NOTICE;
}

/* ---- labels ---- */

/* Put a label among the first ones in byte order; n of them so far, returns how many now. */
static int
insert_name(const char **names, int n, const char *name)
{
	int			place = n;

	while (place > 0 && strcmp(names[place - 1], name) > 0)
	{
		if (place < NAMED_LABELS)
			names[place] = names[place - 1];
		place--;
	}
	if (place < NAMED_LABELS)
		names[place] = name;
	return Min(n + 1, NAMED_LABELS);
}

/* Labels of the gallery, or labels of items that it lacks: "a", "b", ... */
static char *
name_labels(const Labels *labels, bool in_gallery)
{
	const LabelUse *uses = labels_uses(labels);
	const char *names[NAMED_LABELS];
	int			n = 0;
	int64		total = 0;
	StringInfoData list;

	for (int code = 0; code < labels_count(labels); code++)
	{
		if (uses[code].in_gallery != in_gallery ||
			(!in_gallery && uses[code].items == 0))
			continue;
		n = insert_name(names, n, uses[code].label);
		total++;
	}
	initStringInfo(&list);
	for (int i = 0; i < n; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", names[i]);
	if (total > n)
		appendStringInfoString(&list, ", ...");
	return total > 0 ? list.data : "none";
}

/* Items whose label the gallery does not have */
static int64
missing_items(const Labels *labels)
{
	const LabelUse *uses = labels_uses(labels);
	int64		missing = 0;

	for (int code = 0; code < labels_count(labels); code++)
		missing += uses[code].in_gallery ? 0 : uses[code].items;
	return missing;
}

static bool
doubt_labels(const Gallery *gallery, const Labels *labels, int64 items)
{
	int64		missing = missing_items(labels);
	int			level = level_of_share(missing, items);

	if (missing == 0)
		return false;
	if (missing == items)
		ereport(WARNING,
				(errmsg("gallery \"%s\" lacks the labels of all %lld items",
						gallery->name, (long long) items),
				 errdetail("Labels of the items: %s. Labels of the gallery: %s.",
						   name_labels(labels, false),
						   name_labels(labels, true)),
				 errhint("Labels are compared as text: let the query write them as column \"%s\" of the gallery's table does.",
						 gallery->label)));
	else
		ereport(level,
				(errmsg("gallery \"%s\" lacks the labels of %lld of %lld items",
						gallery->name, (long long) missing, (long long) items),
				 errdetail("No row can match them correctly. Their labels: %s.",
						   name_labels(labels, false)), level < WARNING ? 0 :
				 errhint("Leave them out, or add rows of these labels, unless these items should match nothing.")));
	return level >= WARNING;
}

/* ---- items ---- */

static bool
doubt_own_rows(const Gallery *gallery, const PassItems *items,
			   bool drop_closest)
{
	if (!drop_closest && 10 * items->own >= items->n)
		ereport(WARNING,
				(errmsg("gallery \"%s\" itself holds the embeddings of %lld of %lld items",
						gallery->name, (long long) items->own,
						(long long) items->n),
				 errdetail("Items that are in the gallery find themselves, which says nothing about new ones."),
				 errhint("Use items that are not in the gallery."
						 " Calibration and evaluations can leave out the nearest row of each: drop_closest => true.")));
	else if (drop_closest && 2 * items->own < items->n)
		ereport(WARNING,
				(errmsg("gallery \"%s\" holds the embeddings of only %lld of %lld items",
						gallery->name, (long long) items->own,
						(long long) items->n),
				 errdetail("drop_closest leaves out the nearest row of all of them."),
				 errhint("Use drop_closest only for items that are rows of the gallery.")));
	else
		return false;
	return true;
}

bool
doubt_items(const Gallery *gallery, const Pass *pass, const Labels *labels,
			bool drop_closest)
{
	const PassItems *items = pass_items(pass);
	bool		told = doubt_labels(gallery, labels, items->n);

	told |= doubt_own_rows(gallery, items, drop_closest);
	if (items->nowhere > 0)
		ereport(level_of_share(items->nowhere, items->n),
				(errmsg("no row of gallery \"%s\" has a distance to %lld of %lld items",
						gallery->name, (long long) items->nowhere,
						(long long) items->n),
				 errdetail("The %s distance is not a number, as with a zero vector; such items match nothing.",
						   gallery->distance->name)));
	return told;
}

void
doubt_matches(const Gallery *gallery, const Matches *matches)
{
	int64		unlabeled = 0;

	for (int64 i = 0; i < matches->n; i++)
		unlabeled += matches->predicted[i] == EVAL_NO_LABEL;
	if (unlabeled > 0)
		ereport(level_of_share(unlabeled, matches->n),
				(errmsg("rows without a label match %lld of %lld items",
						(long long) unlabeled, (long long) matches->n),
				 errdetail("Column \"%s\" is null in these rows of gallery \"%s\", which answers no item correctly.",
						   gallery->label, gallery->name)));
}

/* ---- calibration ---- */

/* The label of all items, or NULL if they have several */
static const char *
only_label(const Labels *labels, int64 items)
{
	const LabelUse *uses = labels_uses(labels);

	for (int code = 0; code < labels_count(labels); code++)
		if (uses[code].items > 0)
			return uses[code].items == items ? uses[code].label : NULL;
	return NULL;
}

bool
doubt_is_grave(const Labels *labels, const Matches *matches)
{
	return matches->n < FEW_ITEMS || only_label(labels, matches->n) != NULL ||
		2 * missing_items(labels) >= matches->n;
}

/*
 * Warn of items that cannot calibrate, except of what doubt_items() reported.
 * True if there was a warning.
 */
static bool
doubt_ground(const Labels *labels, const Matches *matches,
			 const EvalCurve *curve)
{
	const char *label = only_label(labels, matches->n);

	if (matches->n < FEW_ITEMS)
		ereport(WARNING,
				(errmsg("too few items to calibrate with: %lld",
						(long long) matches->n),
				 errdetail("Cut points of fewer than %d are due to chance.",
						   FEW_ITEMS),
				 errhint("Use some hundred items, also of labels that should match nothing.")));
	else if (label != NULL)
		ereport(WARNING,
				(errmsg("all items have the label \"%s\"", label),
				 errdetail("They do not show how far away items of other labels are."),
				 errhint("Add items of other labels, and of some that should match nothing.")));
	else if (curve->n == 1 && curve->distance[0] != 0)
		ereport(WARNING,
				(errmsg("all neighbors are at the same distance, %g",
						curve->distance[0]),
				 errdetail("No distance separates right matches from wrong ones.")));
	else
		return false;
	return true;
}

/* Warn if the cut point "optimal" is of no use. */
static void
doubt_optimal(const EvalCurve *curve, size_t place, bool accepted, bool told)
{
	long long	right = curve->counts.tp[place];
	long long	wrong = curve->counts.fp[place];
	size_t		last = curve->n - 1;

	if (!accepted)
		ereport(WARNING,
				(errmsg("cut point \"optimal\" accepts nothing"),
				 errdetail("Of the matches within %g, %lld are right and %lld wrong.",
						   curve->distance[place], right, wrong)));
	else if (wrong > right)
		ereport(WARNING,
				(errmsg("cut point \"optimal\" accepts more wrong matches than right ones"),
				 errdetail("%lld are right, %lld wrong.", right, wrong)));
	else if (!told && curve->counts.fp[last] + curve->counts.tn[last] == 0)
		ereport(NOTICE,
				(errmsg("every item is matched correctly: cut point \"optimal\" is the largest distance seen"),
				 errhint("Calibrate with items that should match nothing as well, which show where right matches end.")));
}

void
doubt_calibration(const Labels *labels, const Matches *matches,
				  const EvalCurve *curve, const size_t *place, bool accepted,
				  bool told)
{
	if (place == NULL)
	{
		ereport(WARNING,
				(errmsg("no item is matched correctly: cut point \"optimal\" accepts nothing"),
				 errhint("similarity.confusion_matrix() with cutpoint => NULL shows what they are matched by.")));
		return;
	}
	told |= doubt_ground(labels, matches, curve);
	doubt_optimal(curve, *place, accepted, told);
}

const char *
doubt_of_calibration(int64 items, double distance, double precision)
{
	if (distance == EVAL_ACCEPT_NOTHING)
		return "\"optimal\" accepts nothing";
	if (items < FEW_ITEMS)
		return "too few items";
	return precision < 0.5 ?
		"\"optimal\" accepts more wrong matches than right ones" : NULL;
}
