/*
 * data_uri.c
 *	  Encoded pictures inside a data: URI.
 */
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "report/report.h"

/* ---- base64 ---- */

/* Three bytes at a time become four digits. */
typedef struct Base64
{
	ReportText *text;
	uint8_t		group[3];
	int			ngroup;
} Base64;

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
flush_group(Base64 *base64)
{
	const uint8_t *group = base64->group;
	uint32_t	bits = (uint32_t) group[0] << 16 | group[1] << 8 | group[2];
	char		out[4];

	for (int i = 0; i < 4; i++)
		out[i] = i <= base64->ngroup ?
			base64_digits[bits >> (18 - 6 * i) & 63] : '=';
	report_append_bytes(base64->text, out, 4);
	memset(base64->group, 0, 3);
	base64->ngroup = 0;
}

static void
put_digits(Base64 *base64, uint8_t byte)
{
	base64->group[base64->ngroup++] = byte;
	if (base64->ngroup == 3)
		flush_group(base64);
}

static void
end_digits(Base64 *base64)
{
	if (base64->ngroup > 0)
		flush_group(base64);
}

void
report_append_base64(ReportText *text, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;
	Base64		base64 = {.text = text};

	for (size_t i = 0; i < n; i++)
		put_digits(&base64, byte[i]);
	end_digits(&base64);
}

/* ---- files ---- */

static const char before_type[] = "data:";
static const char after_type[] = ";base64,";

size_t
report_file_size(const ReportFile *file)
{
	size_t		head = strlen(file->type) + sizeof(before_type) +
	sizeof(after_type) - 2;
	size_t		size;

	if (!size_mul(file->size / 3 + (file->size % 3 != 0), 4, &size) ||
		!size_add(size, head, &size))
		return SIZE_MAX;
	return size;
}

void
report_append_file(ReportText *text, const ReportFile *file)
{
	report_append(text, before_type);
	report_append(text, file->type);
	report_append(text, after_type);
	report_append_base64(text, file->bytes, file->size);
}
