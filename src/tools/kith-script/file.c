/* Reading a scenario: a statement is a line and the indented lines after it. */
#include "tools/kith-script/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void
append_line(struct statement **list, size_t *count, unsigned line, const char *text)
{
	if (isspace((unsigned char)text[0]) && *count > 0) {
		struct statement *s = &(*list)[*count - 1];
		size_t len = strlen(s->text);

		s->text = xrealloc(s->text, size_add(len, strlen(text) + 1));
		memcpy(s->text + len, text, strlen(text) + 1);
		return;
	}
	*list = xrealloc(*list, size_mul(*count + 1, sizeof(**list)));
	(*list)[*count].line = line;
	(*list)[(*count)++].text = xstrndup(text, strlen(text));
}

int
statements_read(const char *path, struct statement **list_out)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, count = 0;
	unsigned number = 0;

	*list_out = NULL;
	if (in == NULL)
		return -1;
	while (getline(&line, &size, in) >= 0) {
		number++;
		if (line[0] != '#' && line[strspn(line, " \t\n")] != '\0')
			append_line(list_out, &count, number, line);
	}
	free(line);
	(void)fclose(in);
	return (int)count;
}

void
statements_free(struct statement *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].text);
	free(list);
}

struct slice
script_word(struct slice *rest)
{
	while (rest->len > 0 && isspace((unsigned char)rest->p[0]))
		*rest = slice_from(*rest, 1);
	size_t n = 0;
	while (n < rest->len && !isspace((unsigned char)rest->p[n]))
		n++;
	struct slice word = slice_make(rest->p, n);
	*rest = slice_from(*rest, n);
	return word;
}

/* The words after the first `skipped` ones, each without its comma, added to a list. */
static void
add_words(char ***list, size_t *count, const struct statement *statement, unsigned skipped)
{
	struct slice rest = slice_of(statement->text), word;

	while ((word = script_word(&rest)).len > 0) {
		if (skipped > 0) {
			skipped--;
			continue;
		}
		if (word.p[word.len - 1] == ',')
			word.len--;
		*list = xrealloc(*list, size_mul(*count + 1, sizeof(char *)));
		(*list)[(*count)++] = xstrndup(word.p, word.len);
	}
}

static bool
begins_with(const struct statement *statement, const char *text)
{
	return strncmp(statement->text, text, strlen(text)) == 0;
}

/* What the server must know before it starts. */
bool
statement_is_need(const struct statement *statement)
{
	return begins_with(statement, "users ") || begins_with(statement, "server has ") ||
	       begins_with(statement, "server serves ");
}

/* "users juliet, romeo", "server serves DOMAIN" and "server has KEY=VALUE" */
void
needs_read(struct needs *needs, const struct statement *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (begins_with(&list[i], "users "))
			add_words(&needs->users, &needs->user_count, &list[i], 1);
		else if (begins_with(&list[i], "server serves "))
			add_words(&needs->domains, &needs->domain_count, &list[i], 2);
		else if (statement_is_need(&list[i]))
			add_words(&needs->settings, &needs->setting_count, &list[i], 2);
	}
}

static void
free_words(char **words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(words[i]);
	free(words);
}

void
needs_finish(struct needs *needs)
{
	free_words(needs->users, needs->user_count);
	free_words(needs->domains, needs->domain_count);
	free_words(needs->settings, needs->setting_count);
	*needs = (struct needs){ 0 };
}
