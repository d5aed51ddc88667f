/* The option tables as text: a commented kithd.conf, and the option part of the manual. */
#include "server/config.h"

static void
write_number(FILE *out, const struct option *option)
{
	uint64_t n = option->number;

	if (option->type == OPTION_TYPE_BOOL)
		(void)fputs(n != 0 ? "yes" : "no", out);
	else if (option->type == OPTION_TYPE_DURATION && n % 1000 == 0)
		(void)fprintf(out, "%llus", (unsigned long long)(n / 1000));
	else if (option->type == OPTION_TYPE_DURATION)
		(void)fprintf(out, "%llums", (unsigned long long)n);
	else if (option->type == OPTION_TYPE_SIZE && n > 0 && n % 1024 == 0)
		(void)fprintf(out, "%lluk", (unsigned long long)(n / 1024));
	else
		(void)fprintf(out, "%llu", (unsigned long long)n);
}

static void
write_default(FILE *out, const struct option *option)
{
	if (option->type == OPTION_TYPE_TEXT || option->type == OPTION_TYPE_CHOICE)
		(void)fprintf(out, "\"%s\"", option->text == NULL ? "" : option->text);
	else if (option->type == OPTION_TYPE_TEXTS)
		(void)fprintf(out, "{%s}", option->text == NULL ? "" : option->text);
	else
		write_number(out, option);
}

void
config_dump_defaults(const struct option_section *sections, FILE *out)
{
	(void)fputs("# kithd.conf with every option at its default. An empty file means the same.\n"
		    "# host \"example.org\" {\n"
		    "#\tcertificate = \"/etc/kith/example.org.pem\"\n"
		    "#\tkey = \"/etc/kith/example.org.key\"\n"
		    "# }\n",
		out);
	for (; sections->name != NULL; sections++) {
		const struct option *option = sections->options;

		if (option == NULL || option->key == NULL)
			continue;
		(void)fprintf(out, "\n# %s\n%s {\n", sections->about, sections->name);
		for (; option->key != NULL; option++) {
			(void)fprintf(out, "\t# %s\n\t%s%s = ", option->about,
				option->type == OPTION_TYPE_TEXT && option->text == NULL ? "# "
											 : "",
				option->key);
			write_default(out, option);
			(void)fputc('\n', out);
		}
		(void)fputs("}\n", out);
	}
}

static const char *
type_name(enum option_type type)
{
	static const char *const names[] = {
		[OPTION_TYPE_BOOL] = "yes or no",
		[OPTION_TYPE_UINT] = "number",
		[OPTION_TYPE_DURATION] = "duration",
		[OPTION_TYPE_SIZE] = "size",
		[OPTION_TYPE_TEXT] = "text",
		[OPTION_TYPE_CHOICE] = "word",
		[OPTION_TYPE_TEXTS] = "list",
	};

	return names[type];
}

void
config_dump_manual(const struct option_section *sections, FILE *out)
{
	for (; sections->name != NULL; sections++) {
		const struct option *option = sections->options;

		if (option == NULL || option->key == NULL)
			continue;
		(void)fprintf(out, "## %s\n\n%s\n\n", sections->name, sections->about);
		for (; option->key != NULL; option++) {
			(void)fprintf(out, "*%s* = _%s_\n\t%s Default: ", option->key,
				type_name(option->type), option->about);
			write_default(out, option);
			(void)fputs(option_is_fixed(sections, option) ? ". At the start only.\n\n"
								      : ".\n\n",
				out);
		}
	}
}
