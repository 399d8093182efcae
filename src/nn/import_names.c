/*
 * import_names.c
 *	  Which tensors of a file are those of a graph, by their names.
 *
 * A network that was part of a larger one has its names behind a prefix
 * ("module.", "backbone.", "my_model/").  It is found by the graph's first
 * tensor, without which no file fits: whatever stands before that one's name.
 * Tensors of the larger one, such as its head, are found without it.
 */
#include "nn/import_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/layer.h"

/* Of a file with more networks than that the first ones are looked at. */
#define MAX_PREFIXES 16

typedef struct Prefix
{
	const char *text;			/* not terminated */
	size_t		length;
} Prefix;

/* A file's tensors by name, and of equal names by their order in the file */
typedef struct Names
{
	const SafeTensor **tensors;
	int			n;
	NnLayout	layout;
	Prefix		prefix;
} Names;

/* ---- a tensor by its whole name ---- */

static int
compare_names(const void *a, const void *b)
{
	const SafeTensor *x = *(const SafeTensor *const *) a;
	const SafeTensor *y = *(const SafeTensor *const *) b;
	int			order = strcmp(x->name, y->name);

	return order != 0 ? order : (x > y) - (x < y);
}

static bool
names_create(Names *names, const SafeTensors *file, NnLayout layout,
			 Arena *arena, Status *status)
{
	*names = (Names)
	{
		.tensors = arena_alloc_array(arena, (size_t) file->n + 1,
									 sizeof(SafeTensor *)),
			.n = file->n,.layout = layout
	};
	names->prefix.text = "";
	if (names->tensors == NULL)
		return status_out_of_memory(status, NULL);
	for (int i = 0; i < file->n; i++)
		names->tensors[i] = &file->tensors[i];
	qsort(names->tensors, (size_t) file->n, sizeof(SafeTensor *),
		  compare_names);
	return true;
}

/* Does prefix and name come before text, is it, or does it come after? */
static int
compare_prefixed(Prefix prefix, const char *name, const char *text)
{
	int			order = strncmp(prefix.text, text, prefix.length);

	return order != 0 ? order : strcmp(name, text + prefix.length);
}

/* The first of that name; NULL: none */
static const SafeTensor *
find_prefixed(const Names *names, Prefix prefix, const char *name)
{
	int			low = 0;
	int			high = names->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (compare_prefixed(prefix, name, names->tensors[middle]->name) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < names->n &&
		compare_prefixed(prefix, name, names->tensors[low]->name) == 0 ?
		names->tensors[low] : NULL;
}

static const SafeTensor *
find_name(const Names *names, const char *name)
{
	const Prefix nothing = {"", 0};
	const SafeTensor *found = find_prefixed(names, names->prefix, name);

	return found != NULL || names->prefix.length == 0 ? found :
		find_prefixed(names, nothing, name);
}

/* ---- what a library calls a tensor ---- */

const char *
nn_import_own_name(const NnTensorInfo *tensor)
{
	return strrchr(tensor->name, '/') + 1;
}

/* What a library that is not Keras calls a tensor of ours */
static const char *
torch_role(const char *name)
{
	static const char *const roles[][2] = {
		{"kernel", "weight"}, {"depthwise_kernel", "weight"},
		{"gamma", "weight"}, {"beta", "bias"}, {"embeddings", "weight"},
		{"moving_mean", "running_mean"}, {"moving_variance", "running_var"}
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
	{
		if (strcmp(roles[i][0], name) == 0)
			return roles[i][1];
	}
	return name;
}

/*
 * What Keras calls a tensor that has another name with us: a depthwise kernel
 * is "kernel" in Keras 3, and parts of attention are layers in its layer.
 */
static const char *
keras_name(const char *own)
{
	static const char *const names[][2] = {
		{"depthwise_kernel", "kernel"},
		{"query_kernel", "query/kernel"}, {"query_bias", "query/bias"},
		{"key_kernel", "key/kernel"}, {"key_bias", "key/bias"},
		{"value_kernel", "value/kernel"}, {"value_bias", "value/bias"},
		{"output_kernel", "attention_output/kernel"},
		{"output_bias", "attention_output/bias"}
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(names[i][0], own) == 0)
			return names[i][1];
	}
	return own;
}

/* By our name or Keras', which ends in ":0" in Keras 2 */
static const SafeTensor *
find_keras(const Names *names, const NnTensorInfo *tensor)
{
	static const char *const endings[] = {"", ":0"};
	const char *own = nn_import_own_name(tensor);
	const char *roles[] = {own, keras_name(own)};
	const SafeTensor *found = NULL;
	char		name[2 * sizeof(tensor->name)];

	for (int i = 0; i < 4 && found == NULL; i++)
	{
		snprintf(name, sizeof(name), "%.*s%s%s", (int) (own - tensor->name),
				 tensor->name, roles[i % 2], endings[i / 2]);
		found = find_name(names, name);
	}
	return found;
}

/* The file's tensor that is called layer.role, or, without a role, layer */
static const SafeTensor *
find_role(const Names *names, const NnTensorInfo *tensor, const char *role)
{
	int			layer = (int) (nn_import_own_name(tensor) - tensor->name) - 1;
	char		name[2 * sizeof(tensor->name)];

	snprintf(name, sizeof(name), "%.*s%s%s", layer, tensor->name,
			 role[0] == '\0' ? "" : ".", role);
	return find_name(names, name);
}

/*
 * Tensors of attention as PyTorch's own layer and timm's call them: those of
 * queries, keys and values are one.
 */
static const SafeTensor *
find_attention(const Names *names, const NnTensorInfo *tensor, int *third)
{
	static const char *const parts[] = {"query_", "key_", "value_", "output_"};
	static const char *const roles[2][2][2] = {
		{{"in_proj_weight", "qkv.weight"}, {"in_proj_bias", "qkv.bias"}},
		{{"out_proj.weight", "proj.weight"}, {"out_proj.bias", "proj.bias"}}
	};

	for (int part = 0; part < 4; part++)
	{
		const char *name = nn_import_own_name(tensor);
		size_t		length = strlen(parts[part]);
		const SafeTensor *found = NULL;

		if (strncmp(name, parts[part], length) != 0)
			continue;
		for (int i = 0; i < 2 && found == NULL; i++)
			found = find_role(names, tensor,
							  roles[part == 3][strcmp(name + length, "bias") == 0][i]);
		*third = found != NULL && part < 3 ? part : -1;
		return found;
	}
	return NULL;
}

/*
 * "layer1.0.conv1.weight", or our name; where a network has a parameter instead
 * of a layer ("cls_token") it is called as our layer.
 */
static const SafeTensor *
find_torch(const Names *names, const NnTensorInfo *tensor, int *third)
{
	const char *role = torch_role(nn_import_own_name(tensor));
	const SafeTensor *found = find_name(names, tensor->name);

	if (found == NULL)
		found = find_role(names, tensor, role);
	if (found == NULL)
		found = find_attention(names, tensor, third);
	if (found == NULL)
		found = find_role(names, tensor, "");
	return found;
}

/* ---- all tensors ---- */

static const SafeTensor *
find_tensor(const Names *names, const NnTensorInfo *tensor, int *third)
{
	*third = -1;
	return names->layout == NN_LAYOUT_KERAS ? find_keras(names, tensor) :
		find_torch(names, tensor, third);
}

/* The graph's tensors by name; returns how many there are. */
static int
find_all(NnImport *import, const Names *names)
{
	int			found = 0;

	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(import->graph, i, &tensor);
		import->source[i] = find_tensor(names, &tensor, &import->third[i]);
		found += import->source[i] != NULL;
	}
	return found;
}

/* ---- prefixes ---- */

/* The first tensor that must be in a file; false if there is none. */
static bool
first_tensor(const NnGraph *graph, NnTensorInfo *tensor)
{
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		nn_graph_tensor(graph, i, tensor);
		if (!tensor->given)
			return true;
	}
	return false;
}

/* Does text begin with the name of the tensor's layer, as a whole? */
static bool
begins_with_layer(const char *text, const NnTensorInfo *tensor)
{
	size_t		length = (size_t) (nn_import_own_name(tensor) - tensor->name) - 1;

	return strncmp(text, tensor->name, length) == 0 &&
		strchr("./", text[length]) != NULL;
}

static bool
is_listed(const Prefix *list, int n, Prefix prefix)
{
	for (int i = 0; i < n; i++)
	{
		if (list[i].length == prefix.length &&
			memcmp(list[i].text, prefix.text, prefix.length) == 0)
			return true;
	}
	return false;
}

/* What stands before the tensor's name, ending in "." or "/"; returns how many. */
static int
list_prefixes(Names *names, const NnTensorInfo *tensor, Prefix *list)
{
	int			n = 0;
	int			third;

	for (int i = 0; i < names->n && n < MAX_PREFIXES; i++)
	{
		const char *name = names->tensors[i]->name;

		for (const char *at = name; n < MAX_PREFIXES &&
			 (at = strpbrk(at, "./")) != NULL;)
		{
			Prefix		prefix = {name, (size_t) (++at - name)};

			if (!begins_with_layer(at, tensor) || is_listed(list, n, prefix))
				continue;
			names->prefix = prefix;
			if (find_tensor(names, tensor, &third) != NULL)
				list[n++] = prefix;
		}
	}
	return n;
}

static bool
fail_ambiguous(Prefix a, Prefix b, Status *status)
{
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"file has the architecture's tensors more than once");
	status_detail(status, "They stand behind \"%.*s\" and behind \"%.*s\".",
				  (int) (a.length < 100 ? a.length : 100), a.text,
				  (int) (b.length < 100 ? b.length : 100), b.text);
	return status_hint(status, "Write a file that has one of them.");
}

/* The prefix behind which the file has most; of two with as many: none. */
static bool
choose_prefix(NnImport *import, Names *names, const NnTensorInfo *first,
			  Status *status)
{
	const Prefix nothing = {"", 0};
	Prefix		list[MAX_PREFIXES];
	int			n = list_prefixes(names, first, list);
	int			best = -1;
	int			equal = -1;
	int			most = 0;

	for (int i = 0; i < n; i++)
	{
		int			found;

		names->prefix = list[i];
		found = find_all(import, names);
		if (found == most)
			equal = i;
		if (found <= most)
			continue;
		most = found;
		best = i;
		equal = -1;
	}
	if (equal >= 0)
		return fail_ambiguous(list[best], list[equal], status);
	names->prefix = best < 0 ? nothing : list[best];
	import->prefix = names->prefix.text;
	import->prefix_length = (int) names->prefix.length;
	return true;
}

bool
nn_import_names(NnImport *import, const SafeTensors *file, int *found,
				Arena *arena, Status *status)
{
	NnTensorInfo first;
	Names		names;
	int			third;

	if (!names_create(&names, file, import->layout, arena, status))
		return false;
	if (first_tensor(import->graph, &first) &&
		find_tensor(&names, &first, &third) == NULL &&
		!choose_prefix(import, &names, &first, status))
		return false;
	*found = find_all(import, &names);
	return true;
}
