/* OpenMetrics 1.0 and Prometheus text 0.0.4; they differ in the names of types, in what is escaped
 * in help, and in the last line. */
#include "server/exposition.h"

#include <stdio.h>

enum { NUMBER_TEXT = 32 };

static const struct label no_labels[] = { { 0 } };

/* ---- Texts and numbers ---- */

/* What looks like a quote is an escaped one in labels, and in the help of OpenMetrics. */
static void
put_escaped(struct exposition *e, struct slice text, bool escapes_quotes)
{
	for (size_t i = 0; i < text.len; i++) {
		const char *c = &text.p[i];

		if (*c == '\\')
			(void)buffer_text(e->out, "\\\\");
		else if (*c == '\n')
			(void)buffer_text(e->out, "\\n");
		else if (*c == '"' && escapes_quotes)
			(void)buffer_text(e->out, "\\\"");
		else
			(void)buffer_append(e->out, slice_make(c, 1));
	}
}

/* Whole numbers only, so that nothing is rounded: 1234567 with 6 decimals is 1.234567. */
static void
write_number(char out[NUMBER_TEXT], unsigned decimals, int64_t value)
{
	const char *sign = value < 0 ? "-" : "";
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	if (decimals == 0)
		(void)snprintf(out, NUMBER_TEXT, "%s%llu", sign, (unsigned long long)size);
	else
		(void)snprintf(out, NUMBER_TEXT, "%s%llu.%0*llu", sign,
			(unsigned long long)(size / unit), (int)decimals,
			(unsigned long long)(size % unit));
}

static void
put_number(struct exposition *e, unsigned decimals, int64_t value)
{
	char text[NUMBER_TEXT];

	write_number(text, decimals, value);
	(void)buffer_text(e->out, text);
}

/* ---- What every family has ---- */

static struct slice
without_total(const struct family *family)
{
	struct slice name = slice_of(family->name), end = SLICE("_total");

	if (family->kind == FAMILY_COUNTER && name.len > end.len &&
		slice_is(slice_from(name, name.len - end.len), end))
		name.len -= end.len;
	return name;
}

/* In the older format the name is that of the samples. */
static struct slice
family_name(const struct exposition *e, const struct family *family)
{
	return e->is_open ? without_total(family) : slice_of(family->name);
}

static void
put_descriptor(struct exposition *e, const char *what, const struct family *family)
{
	bool is_info = !e->is_open && family->kind == FAMILY_INFO;

	(void)buffer_printf(e->out, "# %s %s%.*s%s ", what, family->prefix,
		SLICE_ARG(family_name(e, family)), is_info ? "_info" : "");
}

static const char *
type_name(const struct exposition *e, enum family_kind kind)
{
	static const char *const names[] = {
		[FAMILY_COUNTER] = "counter",
		[FAMILY_GAUGE] = "gauge",
		[FAMILY_HISTOGRAM] = "histogram",
		[FAMILY_INFO] = "info",
	};

	return kind == FAMILY_INFO && !e->is_open ? "gauge" : names[kind];
}

void
exposition_begin(struct exposition *e, const struct family *family)
{
	put_descriptor(e, "TYPE", family);
	(void)buffer_printf(e->out, "%s\n", type_name(e, family->kind));
	if (e->is_open && family->unit != NULL) {
		put_descriptor(e, "UNIT", family);
		(void)buffer_printf(e->out, "%s\n", family->unit);
	}
	put_descriptor(e, "HELP", family);
	put_escaped(e, slice_of(family->about), e->is_open);
	(void)buffer_text(e->out, "\n");
}

/* ---- Samples ---- */

static void
put_label(struct exposition *e, const char **before, const struct label *label)
{
	(void)buffer_printf(e->out, "%s%s=\"", *before, label->name);
	put_escaped(e, label->value, true);
	(void)buffer_text(e->out, "\"");
	*before = ",";
}

/* Up to the value; more: one further label, or one without a name. */
static void
put_sample(struct exposition *e, const struct family *family, const char *suffix,
	const struct label *labels, const struct label *more)
{
	const char *before = "{";

	(void)buffer_printf(e->out, "%s%s%s", family->prefix, family->name, suffix);
	for (; labels != NULL && labels->name != NULL; labels++)
		put_label(e, &before, labels);
	if (more->name != NULL)
		put_label(e, &before, more);
	(void)buffer_text(e->out, *before == ',' ? "} " : " ");
}

void
exposition_sample(struct exposition *e, const struct family *family, const struct label *labels,
	int64_t value)
{
	put_sample(e, family, "", labels, no_labels);
	put_number(e, family->decimals, value);
	(void)buffer_text(e->out, "\n");
}

void
exposition_info(struct exposition *e, const struct family *family, const struct label *labels)
{
	put_sample(e, family, "_info", labels, no_labels);
	(void)buffer_text(e->out, "1\n");
}

static void
put_bucket(struct exposition *e, const struct family *family, const struct label *labels,
	const char *bound, uint64_t count)
{
	struct label le = { "le", slice_of(bound) };

	put_sample(e, family, "_bucket", labels, &le);
	(void)buffer_printf(e->out, "%llu\n", (unsigned long long)count);
}

/* A bound is a float, as OpenMetrics wants it: "1.0" and not "1". */
static void
put_bounds(struct exposition *e, const struct family *family, const struct label *labels,
	const struct histogram *histogram, unsigned shift)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		int64_t bound = (int64_t)1 << (shift + i);
		char text[NUMBER_TEXT];

		if (family->decimals == 0)
			write_number(text, 1, bound * 10);
		else
			write_number(text, family->decimals, bound);
		count += histogram->counts[i];
		put_bucket(e, family, labels, text, count);
	}
	put_bucket(e, family, labels, "+Inf", count + histogram->counts[HISTOGRAM_BOUNDS]);
}

void
exposition_histogram(struct exposition *e, const struct family *family, const struct label *labels,
	const struct histogram *histogram, unsigned shift)
{
	uint64_t count = 0;

	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += histogram->counts[i];
	put_bounds(e, family, labels, histogram, shift);
	put_sample(e, family, "_sum", labels, no_labels);
	put_number(e, family->decimals, (int64_t)histogram->sum);
	(void)buffer_text(e->out, "\n");
	put_sample(e, family, "_count", labels, no_labels);
	(void)buffer_printf(e->out, "%llu\n", (unsigned long long)count);
}

void
exposition_end(struct exposition *e)
{
	if (e->is_open)
		(void)buffer_text(e->out, "# EOF\n");
}
