/*
 * safetensors.c
 *	  Reading the file format of tensors "safetensors".
 *
 * The header is JSON of one known form, read in one pass without recursion:
 * an object of objects.  Whatever the form does not have is refused.
 *
 * A file is 8 bytes of length, little-endian, that many bytes of JSON, and the
 * data.  Each tensor's data_offsets count from the data's first byte:
 *   {"__metadata__": {"key": "value"},
 *    "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
 * The bytes are hostile: each length is compared before it is used, in
 * unsigned arithmetic that reports overflow, and what is allocated is bounded
 * by the header's length.  Tensors may share bytes or leave some out; they are
 * only read.
 */
#include "nn/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

typedef struct Reader
{
	const char *at;
	const char *end;
	Arena	   *arena;
	Status	   *status;
} Reader;

static bool
bad_header(Reader *reader, const char *what)
{
	return status_fail(reader->status, STATUS_BAD_BINARY,
					   "safetensors header has %s", what);
}

/* ---- JSON ---- */

static void
skip_blanks(Reader *reader)
{
	while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) != NULL &&
		   *reader->at != '\0')
		reader->at++;
}

/* Skip blanks, and c if it comes next; returns whether it did. */
static bool
accept(Reader *reader, char c)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool
expect(Reader *reader, char c)
{
	return accept(reader, c) ||
		status_fail(reader->status, STATUS_BAD_BINARY,
					"safetensors header lacks \"%c\"", c);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static bool
read_hex4(Reader *reader, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++)
	{
		int			digit = reader->at < reader->end ? hex_digit(*reader->at) :
		-1;

		if (digit < 0)
			return bad_header(reader, "a malformed \\u escape");
		*code = *code * 16 + digit;
		reader->at++;
	}
	return true;
}

/* Codes up to FFFF, what one \u names */
static char *
put_utf8(char *out, uint32_t code)
{
	if (code < 0x80)
		*out++ = (char) code;
	else if (code < 0x800)
	{
		*out++ = (char) (0xC0 | code >> 6);
		*out++ = (char) (0x80 | (code & 0x3F));
	}
	else
	{
		*out++ = (char) (0xE0 | code >> 12);
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
		*out++ = (char) (0x80 | (code & 0x3F));
	}
	return out;
}

/* The rest of an escape, after the backslash; no surrogates: names need none */
static bool
read_escape(Reader *reader, char **out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t	code;

	if (reader->at == reader->end || *reader->at == '\0')
		return bad_header(reader, "an unfinished string");
	if (*reader->at == 'u')
	{
		reader->at++;
		if (!read_hex4(reader, &code))
			return false;
		if (code == 0 || (code >= 0xD800 && code < 0xE000))
			return bad_header(reader, "a character that is not supported");
		*out = put_utf8(*out, code);
		return true;
	}
	found = strchr(from, *reader->at);
	if (found == NULL)
		return bad_header(reader, "an invalid escape");
	*(*out)++ = to[found - from];
	reader->at++;
	return true;
}

/* Where a string that has just begun ends, its closing quote; NULL if nowhere. */
static const char *
string_end(const Reader *reader)
{
	for (const char *p = reader->at; p < reader->end; p++)
	{
		if (*p == '"')
			return p;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/* A string, unescaped and ended by a zero byte, in the arena. */
static bool
read_string(Reader *reader, const char **string)
{
	const char *end;
	char	   *out;

	if (!expect(reader, '"'))
		return false;
	end = string_end(reader);
	if (end == NULL)
		return bad_header(reader, "an unfinished string");
	out = arena_alloc(reader->arena, (size_t) (end - reader->at) + 1);
	if (out == NULL)
		return status_out_of_memory(reader->status, NULL);
	*string = out;
	while (reader->at < end)
	{
		char		c = *reader->at++;

		if ((unsigned char) c < 0x20)
			return bad_header(reader, "a control character in a string");
		if (c != '\\')
			*out++ = c;
		else if (!read_escape(reader, &out))
			return false;
	}
	*out = '\0';
	reader->at = end + 1;
	return true;
}

/* Digits only: sizes and offsets have no sign, fraction or exponent. */
static bool
read_number(Reader *reader, uint64_t *number)
{
	const char *start;

	skip_blanks(reader);
	start = reader->at;
	*number = 0;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
	{
		unsigned	digit = *reader->at++ - '0';

		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, digit, number))
			return bad_header(reader, "a number that is too large");
	}
	return reader->at > start ||
		bad_header(reader, "an invalid number");
}

/* At most max numbers in brackets */
static bool
read_integers(Reader *reader, uint64_t *numbers, int max, int *n)
{
	*n = 0;
	if (!expect(reader, '['))
		return false;
	if (accept(reader, ']'))
		return true;
	do
	{
		if (*n == max)
			return bad_header(reader, "a list that is too long");
		if (!read_number(reader, &numbers[(*n)++]))
			return false;
	} while (accept(reader, ','));
	return expect(reader, ']');
}

/* ---- a tensor ---- */

static const struct
{
	const char *name;
	SafeTensorType type;
	int			size;			/* bytes of an element */
}			types[] = {
	{"F64", SAFETENSORS_F64, 8},
	{"F32", SAFETENSORS_F32, 4},
	{"F16", SAFETENSORS_F16, 2},
	{"BF16", SAFETENSORS_BF16, 2},
	{"I64", SAFETENSORS_OTHER, 8},
	{"U64", SAFETENSORS_OTHER, 8},
	{"I32", SAFETENSORS_OTHER, 4},
	{"U32", SAFETENSORS_OTHER, 4},
	{"I16", SAFETENSORS_OTHER, 2},
	{"U16", SAFETENSORS_OTHER, 2},
	{"I8", SAFETENSORS_OTHER, 1},
	{"U8", SAFETENSORS_OTHER, 1},
	{"F8_E4M3", SAFETENSORS_OTHER, 1},
	{"F8_E5M2", SAFETENSORS_OTHER, 1},
	{"BOOL", SAFETENSORS_OTHER, 1},
};

static bool
read_type(Reader *reader, SafeTensorType *type, int *size)
{
	const char *name;

	if (!read_string(reader, &name))
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0)
		{
			*type = types[i].type;
			*size = types[i].size;
			return true;
		}
	return status_fail(reader->status, STATUS_BAD_BINARY,
					   "safetensors header has unrecognized dtype \"%.20s\"", name);
}

/* The members of a tensor: each once, in any order. */
typedef struct Members
{
	int			size;			/* of an element; 0: no dtype seen */
	int			offsets;		/* 0 or 2 */
	uint64_t	offset[2];
	bool		shape;
} Members;

/*
 * A key that comes twice is refused, as any other that a tensor does not have.
 */
static bool
read_member(Reader *reader, SafeTensor *tensor, Members *members)
{
	const char *key;

	if (!read_string(reader, &key) || !expect(reader, ':'))
		return false;
	if (strcmp(key, "dtype") == 0 && members->size == 0)
		return read_type(reader, &tensor->type, &members->size);
	if (strcmp(key, "shape") == 0 && !members->shape)
	{
		members->shape = true;
		return read_integers(reader, tensor->dim, SAFETENSORS_MAX_RANK,
							 &tensor->rank);
	}
	if (strcmp(key, "data_offsets") == 0 && members->offsets == 0)
		return read_integers(reader, members->offset, 2, &members->offsets);
	return bad_header(reader, "a member that a tensor does not have");
}

/* Do dtype, shape and offsets agree with each other and the data? */
static bool
check_tensor(Reader *reader, SafeTensor *tensor, const Members *members,
			 const uint8_t *data, size_t size)
{
	uint64_t	bytes;

	if (members->size == 0 || !members->shape || members->offsets != 2)
		return bad_header(reader,
						  "a tensor without dtype, shape or data_offsets");
	tensor->count = 1;
	for (int i = 0; i < tensor->rank; i++)
		if (__builtin_mul_overflow(tensor->count, tensor->dim[i],
								   &tensor->count))
			return bad_header(reader, "a shape that is too large");
	if (__builtin_mul_overflow(tensor->count, (uint64_t) members->size,
							   &bytes) ||
		members->offset[0] > members->offset[1] || members->offset[1] > size ||
		members->offset[1] - members->offset[0] != bytes)
		return status_fail(reader->status, STATUS_BAD_BINARY,
						   "safetensors tensor \"%.60s\" has offsets that do not fit", tensor->name);
	tensor->data = data + members->offset[0];
	return true;
}

static bool
read_tensor(Reader *reader, SafeTensor *tensor, const uint8_t *data,
			size_t size)
{
	Members		members = {0};

	if (!expect(reader, '{'))
		return false;
	do
	{
		if (!read_member(reader, tensor, &members))
			return false;
	} while (accept(reader, ','));
	return expect(reader, '}') &&
		check_tensor(reader, tensor, &members, data, size);
}

/* ---- the header ---- */

/* Texts by texts; other values are refused, as by the format. */
static bool
read_metadata(Reader *reader, SafeTensors *file)
{
	if (!expect(reader, '{'))
		return false;
	if (accept(reader, '}'))
		return true;
	do
	{
		SafeTensorsText *text = &file->metadata[file->nmetadata];

		if (!read_string(reader, &text->key) || !expect(reader, ':') ||
			!read_string(reader, &text->value))
			return false;
		file->nmetadata++;
	} while (accept(reader, ','));
	return expect(reader, '}');
}

static bool
read_entry(Reader *reader, SafeTensors *file, const uint8_t *data, size_t size)
{
	SafeTensor *tensor = &file->tensors[file->n];
	const char *name;

	if (!read_string(reader, &name) || !expect(reader, ':'))
		return false;
	if (strcmp(name, "__metadata__") == 0)
		return read_metadata(reader, file);
	tensor->name = name;
	if (!read_tensor(reader, tensor, data, size))
		return false;
	file->n++;
	return true;
}

/* Names may come twice here; safetensors_find() gives the first. */
static bool
read_header(Reader *reader, SafeTensors *file, const uint8_t *data, size_t size)
{
	if (!expect(reader, '{'))
		return false;
	if (!accept(reader, '}'))
	{
		do
		{
			if (!read_entry(reader, file, data, size))
				return false;
		} while (accept(reader, ','));
		if (!expect(reader, '}'))
			return false;
	}
	skip_blanks(reader);
	return reader->at == reader->end ||
		bad_header(reader, "something after its end");
}

/*
 * Least bytes of a tensor ("":{"dtype":"U8","shape":[],"data_offsets":[0,0]})
 * and of a metadata entry ("":""): no header holds more of them.
 */
#define TENSOR_BYTES 49
#define METADATA_BYTES 5

static uint64_t
little_endian(const uint8_t *bytes, int n)
{
	uint64_t	value = 0;

	for (int i = n - 1; i >= 0; i--)
		value = value << 8 | bytes[i];
	return value;
}

/*
 * Not the format: its first 8 bytes, as a size, are beyond the file.  What other
 * files of weights begin with is told, and what to do.
 */
static bool
fail_format(const uint8_t *bytes, size_t size, Status *status)
{
	static const struct
	{
		const char *magic;
		const char *is;
	}			others[] = {
		{"PK\3\4", "a ZIP archive, as torch.save(), Keras (.keras) and NumPy (.npz) write"},
		{"\x89HDF", "an HDF5 file, as Keras writes (.h5)"},
		{"\x80\2", "a Python pickle"}, {"GGUF", "a GGUF file"},
		{"{", "JSON; of a model in several files that is their index"}
	};

	status_fail(status, STATUS_BAD_BINARY, "file is not in safetensors format");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
	{
		size_t		length = strlen(others[i].magic);

		if (size < length || memcmp(bytes, others[i].magic, length) != 0)
			continue;
		status_detail(status, "It is %s.", others[i].is);
		return status_hint(status, "Python's safetensors.torch.save_file() and safetensors.numpy.save_file() write tensors by name.");
	}
	return false;
}

/* Nothing is copied but names: tensors point into bytes, which must stay. */
bool
safetensors_open(const uint8_t *bytes, size_t size, Arena *arena,
				 SafeTensors *file, Status *status)
{
	uint64_t	length = size < 8 ? 0 : little_endian(bytes, 8);
	Reader		reader = {(const char *) bytes + 8, NULL, arena, status};

	memset(file, 0, sizeof(*file));
	if (length < 2 || length > size - 8)
		return fail_format(bytes, size, status);
	if (length > SAFETENSORS_MAX_HEADER)
		return status_fail(status, STATUS_TOO_LARGE,
						   "safetensors header is too large");
	reader.end = reader.at + length;
	file->tensors = arena_new_array(arena, length / TENSOR_BYTES + 1,
									SafeTensor);
	file->metadata = arena_new_array(arena, length / METADATA_BYTES + 1,
									 SafeTensorsText);
	if (file->tensors == NULL || file->metadata == NULL)
		return status_out_of_memory(status, NULL);
	return read_header(&reader, file, bytes + 8 + length,
					   size - 8 - (size_t) length);
}

/* ---- order ---- */

/*
 * Length of the name without its last part: "layer1.0.conv1." of
 * "layer1.0.conv1.weight"
 */
static size_t
layer_length(const char *name)
{
	size_t		length = strlen(name);

	while (length > 0 && name[length - 1] != '.' && name[length - 1] != '/')
		length--;
	return length;
}

/*
 * The order of a layer's tensors in a graph.  PyTorch writes them by name, and
 * so a bias before its weight.
 */
static int
role_of(const char *part)
{
	static const struct
	{
		const char *name;
		int			role;
	}			roles[] = {
		{"weight", 0}, {"kernel", 0}, {"gamma", 0}, {"bias", 1}, {"beta", 1},
		{"running_mean", 2}, {"moving_mean", 2}, {"running_var", 3},
		{"moving_variance", 3}
	};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(roles[i].name, part) == 0)
			return roles[i].role;
	return 4;
}

/* Runs of digits compare as numbers: without leading zeros the longer is greater. */
static int
compare_numbers(const char **a, const char *end_a, const char **b,
				const char *end_b)
{
	const char *x;
	const char *y;
	int			order = 0;

	while (*a < end_a && **a == '0')
		(*a)++;
	while (*b < end_b && **b == '0')
		(*b)++;
	for (x = *a, y = *b; x < end_a && y < end_b && number_is_digit(*x) &&
		 number_is_digit(*y); x++, y++)
		if (order == 0)
			order = (*x > *y) - (*x < *y);
	*a = x;
	*b = y;
	if (x < end_a && number_is_digit(*x))
		return 1;
	if (y < end_b && number_is_digit(*y))
		return -1;
	return order;
}

/* "layer10" comes after "layer2", as graphs have them. */
static int
compare_layers(const char *a, size_t na, const char *b, size_t nb)
{
	const char *end_a = a + na;
	const char *end_b = b + nb;

	while (a < end_a && b < end_b)
	{
		int			order;

		if (number_is_digit(*a) && number_is_digit(*b))
			order = compare_numbers(&a, end_a, &b, end_b);
		else
		{
			order = ((unsigned char) *a > (unsigned char) *b) - ((unsigned char) *a < (unsigned char) *b);
			a++;
			b++;
		}
		if (order != 0)
			return order;
	}
	return (a < end_a) - (b < end_b);
}

static int
compare_tensors(const void *a, const void *b)
{
	const char *x = ((const SafeTensor *) a)->name;
	const char *y = ((const SafeTensor *) b)->name;
	size_t		nx = layer_length(x);
	size_t		ny = layer_length(y);
	int			order = compare_layers(x, nx, y, ny);

	if (order == 0)
		order = role_of(x + nx) - role_of(y + ny);
	return order != 0 ? order : strcmp(x, y);
}

/*
 * By layer, then by role: for files whose names are not the graph's, the order
 * is all there is to go by.
 */
void
safetensors_sort(SafeTensors *file)
{
	qsort(file->tensors, (size_t) file->n, sizeof(SafeTensor), compare_tensors);
}

/* ---- reading ---- */

const SafeTensor *
safetensors_find(const SafeTensors *file, const char *name)
{
	for (int i = 0; i < file->n; i++)
		if (strcmp(file->tensors[i].name, name) == 0)
			return &file->tensors[i];
	return NULL;
}

const char *
safetensors_metadata(const SafeTensors *file, const char *key)
{
	for (int i = 0; i < file->nmetadata; i++)
		if (strcmp(file->metadata[i].key, key) == 0)
			return file->metadata[i].value;
	return NULL;
}

static float
float_of_bits(uint32_t bits)
{
	float		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* IEEE half: sign, 5 bits of exponent, 10 of fraction */
static float
float_of_half(uint32_t half)
{
	uint32_t	exponent = half >> 10 & 0x1F;
	float		magnitude;

	if (exponent == 0x1F)
		magnitude = float_of_bits(0x7F800000 | (half & 0x3FF) << 13);
	else if (exponent == 0)
		magnitude = ldexpf((float) (half & 0x3FF), -24);
	else
		magnitude = ldexpf((float) (0x400 | (half & 0x3FF)),
						   (int) exponent - 25);
	return half & 0x8000 ? -magnitude : magnitude;
}

/*
 * F32 and smaller are exact; F64 is rounded.  Byte by byte, as data need not
 * be aligned.
 */
float
safetensors_get(const SafeTensor *tensor, uint64_t i)
{
	uint64_t	bits;
	double		value;

	switch (tensor->type)
	{
		case SAFETENSORS_F64:
			bits = little_endian(tensor->data + 8 * i, 8);
			memcpy(&value, &bits, sizeof(value));
			return (float) value;
		case SAFETENSORS_F32:
			return float_of_bits((uint32_t) little_endian(tensor->data + 4 * i,
														  4));
		case SAFETENSORS_F16:
			return float_of_half((uint32_t) little_endian(tensor->data + 2 * i,
														  2));
		case SAFETENSORS_BF16:
			return float_of_bits((uint32_t) little_endian(tensor->data + 2 * i,
														  2) << 16);
		case SAFETENSORS_OTHER:
			break;
	}
	return NAN;
}
