/*
 * Completion of the command line. The shells' scripts know nothing: they ask kithctl, which has the
 * table of verbs and can ask the server for names. So a script that was installed once goes with
 * every version, and what needs no server works without one.
 */
#include "tools/kithctl/verbs.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { WAIT_S = 1 };
#define NAMES_MOST "500"

/* A command line: what was typed but for its options, and the word that is being typed. */
struct typed {
	const char *directory;
	char **words;
	int count;
	const char *last;
	bool wants_value; /* of the option before it */
};

static void
offer(const struct typed *typed, struct slice candidate)
{
	if (slice_starts(candidate, slice_of(typed->last)))
		(void)printf("%.*s\n", SLICE_ARG(candidate));
}

/* The first values of what the server answers; nothing when it does not. */
static void
offer_answer(const struct typed *typed, const char *const *words, size_t count)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct control control;
	struct answer answer;

	if (control_connect(&control, typed->directory, false) < 0)
		return;
	(void)setsockopt(control.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (control_send(&control, words, count) == 0) {
		(void)control_answer(&control, &answer);
		for (size_t i = 0; i < answer.count; i++) {
			if (answer.records[i].count > 0)
				offer(typed, answer.records[i].fields[0].value);
		}
		answer_finish(&answer);
	}
	control_close(&control);
}

static int
offer_argument(const struct typed *typed, enum completes kind)
{
	static const char *const levels[] = { "error", "warning", "info", "debug" };

	switch (kind) {
	case COMPLETE_ADDRESS:
		offer_answer(
			typed, (const char *const[]){ "user-list", typed->last, NAMES_MOST }, 3);
		break;
	case COMPLETE_SESSION:
		offer_answer(typed, (const char *const[]){ "sessions" }, 1);
		break;
	case COMPLETE_LEVEL:
		for (size_t i = 0; i < COUNT_OF(levels); i++)
			offer(typed, slice_of(levels[i]));
		break;
	case COMPLETE_FILE:
		return COMPLETE_WITH_FILES;
	case COMPLETE_NOTHING:
		break;
	}
	return EXIT_SUCCESS;
}

/* The word of the verb at that place; p NULL: it has not so many. */
static struct slice
word_at(const struct verb *verb, int place)
{
	const char *at = verb->words;

	for (; place > 0; place--) {
		at = strchr(at, ' ');
		if (at == NULL)
			return NO_SLICE;
		at++;
	}
	return slice_make(at, strcspn(at, " "));
}

/* How many of the typed words are the verb's first ones; -1: one of them is another. */
static int
words_of_verb(const struct verb *verb, const struct typed *typed)
{
	int place = 0;

	for (; place < typed->count && word_at(verb, place).p != NULL; place++) {
		if (!slice_is_text(word_at(verb, place), typed->words[place]))
			return -1;
	}
	return place;
}

static int
offer_for_verbs(const struct typed *typed)
{
	struct slice before = NO_SLICE;

	for (const struct verb *verb = verbs; verb->words != NULL; verb++) {
		int used = words_of_verb(verb, typed);
		struct slice next = used < 0 ? NO_SLICE : word_at(verb, used);

		if (used >= 0 && next.p == NULL && typed->count - used < ARGS_MOST)
			return offer_argument(typed, verb->completes[typed->count - used]);
		/* Verbs of the same first word follow each other. */
		if (next.p != NULL && !slice_is(next, before))
			offer(typed, next);
		before = next;
	}
	return EXIT_SUCCESS;
}

static bool
takes_value(const char *word)
{
	return strcmp(word, "--dir") == 0 || strcmp(word, "-d") == 0 || strcmp(word, "--host") == 0;
}

/* Takes the options out. */
static void
read_line(struct typed *typed, char **words, int count)
{
	for (int i = 0; i + 1 < count; i++) {
		if (strncmp(words[i], "--dir=", 6) == 0)
			typed->directory = words[i] + 6;
		if (words[i][0] != '-')
			typed->words[typed->count++] = words[i];
		if (!takes_value(words[i]))
			continue;
		if (i + 2 >= count)
			typed->wants_value = true;
		else if (strcmp(words[++i - 1], "--host") != 0)
			typed->directory = words[i];
	}
}

int
complete(const char *directory, char **words, int count)
{
	static const char *const options[] = { "--dir", "--host", "--json", "--help", "--version" };
	struct typed typed = { .directory = directory, .last = "" };
	int status = COMPLETE_WITH_FILES;

	typed.words = xcalloc((size_t)count + 1, sizeof(*typed.words));
	if (count > 0)
		typed.last = words[count - 1];
	read_line(&typed, words, count);
	if (typed.last[0] == '-') {
		for (size_t i = 0; i < COUNT_OF(options); i++)
			offer(&typed, slice_of(options[i]));
		status = EXIT_SUCCESS;
	} else if (!typed.wants_value) {
		status = offer_for_verbs(&typed);
	}
	free(typed.words);
	return status;
}

/*
 * bash breaks words at @ and : too, and replaces only what is behind the last of them, so the part
 * before is taken off the candidates.
 */
static const char bash_script
	[] = "# Completion of kithctl for bash, printed by kithctl --completion bash.\n"
	     "_kithctl()\n"
	     "{\n"
	     "\tlocal line=${COMP_LINE:0:COMP_POINT} words candidate prefix status IFS=$' \\t\\n'\n"
	     "\t"
	     "read -ra words <<<\"$line\"\n"
	     "\t[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
	     "\tlocal last=${words[${#words[@]}-1]}\n"
	     "\tprefix=${last%\"${last##*[@:=]}\"}\n"
	     "\tlocal found\n"
	     "\tfound=$(\"${words[0]}\" --complete -- \"${words[@]:1}\" 2>/dev/null)\n"
	     "\tstatus=$?\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ $status -eq 3 ]; then\n"
	     "\t\tcompopt -o default 2>/dev/null\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\twhile IFS= read -r candidate; do\n"
	     "\t\t[ -n \"$candidate\" ] || continue\n"
	     "\t\tprintf -v candidate %q \"$candidate\"\n"
	     "\t\tCOMPREPLY+=(\"${candidate#\"$prefix\"}\")\n"
	     "\tdone <<<\"$found\"\n"
	     "}\n"
	     "complete -F _kithctl kithctl\n";

static const char
	zsh_script[] = "#compdef kithctl\n"
		       "# Completion of kithctl for zsh, printed by kithctl --completion zsh.\n"
		       "_kithctl()\n"
		       "{\n"
		       "\tlocal found\n"
		       "\tlocal -a candidates\n"
		       "\tfound=$($words[1] --complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
		       "\tif [[ $? -eq 3 ]]; then\n"
		       "\t\t_files\n"
		       "\t\treturn\n"
		       "\tfi\n"
		       "\tcandidates=(\"${(@f)found}\")\n"
		       "\t[[ -z $found ]] || compadd -a candidates\n"
		       "}\n"
		       "if [[ $funcstack[1] = _kithctl ]]; then\n"
		       "\t_kithctl \"$@\"\n"
		       "else\n"
		       "\tcompdef _kithctl kithctl\n"
		       "fi\n";

int
print_completion(const char *shell)
{
	const char *script = NULL;

	if (strcmp(shell, "bash") == 0)
		script = bash_script;
	else if (strcmp(shell, "zsh") == 0)
		script = zsh_script;
	if (script == NULL) {
		(void)fprintf(stderr, "kithctl: there is completion for bash and for zsh only\n");
		return EXIT_USAGE;
	}
	(void)fputs(script, stdout);
	return EXIT_SUCCESS;
}
