/* kithd prints one line of JSON when it is ready; SIGTERM ends it. */
#include "tools/kith-script/kithd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A command line that is being put together; NULL at its end. */
struct command {
	char **words;
	size_t count;
};

static void
add_word(struct command *command, const char *word)
{
	command->words = xrealloc(command->words, size_mul(command->count + 2, sizeof(char *)));
	command->words[command->count++] = xstrndup(word, strlen(word));
	command->words[command->count] = NULL;
}

static void
add_option(struct command *command, const char *option, const char *value)
{
	add_word(command, option);
	add_word(command, value);
}

static void
make_command(struct command *command, const struct kithd *kithd, const struct needs *needs,
	const char *password)
{
	add_word(command, kithd->path);
	add_word(command, "--try");
	for (size_t i = 0; i < kithd->arg_count; i++)
		add_word(command, kithd->args[i]);
	for (size_t i = 0; i < needs->setting_count; i++)
		add_option(command, "--set", needs->settings[i]);
	if (needs->domain_count > 0)
		add_option(command, "--domain", "localhost");
	for (size_t i = 0; i < needs->domain_count; i++)
		add_option(command, "--domain", needs->domains[i]);
	/* Who is there already is not made again. */
	for (size_t i = 0; i < needs->user_count && !kithd->was_started; i++) {
		char *user;

		if (asprintf(&user, "%s:%s", needs->users[i], password) < 0)
			die("out of memory");
		add_option(command, "--user", user);
		free(user);
	}
}

static void
free_command(struct command *command)
{
	for (size_t i = 0; i < command->count; i++)
		free(command->words[i]);
	free(command->words);
}

static noreturn void
run(const struct command *command, int out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out, STDOUT_FILENO);
	(void)execv(command->words[0], command->words);
	_exit(127);
}

/* The JSON is our own server's: no escapes in what we look for. */
static int
read_ready(struct kithd *kithd, int fd)
{
	char line[4096] = "";
	FILE *in = fdopen(fd, "r");
	const char *port = NULL, *tls_port = NULL, *ca = NULL;

	if (in == NULL)
		return -1;
	if (fgets(line, sizeof(line), in) != NULL) {
		port = strstr(line, "\"c2s\":");
		tls_port = strstr(line, "\"c2s_tls\":");
		ca = strstr(line, "\"ca\":\"");
	}
	(void)fclose(in);
	if (port == NULL || tls_port == NULL || ca == NULL)
		return -1;
	kithd->target.port = (unsigned)strtoul(port + strlen("\"c2s\":"), NULL, 10);
	kithd->target.tls_port = (unsigned)strtoul(tls_port + strlen("\"c2s_tls\":"), NULL, 10);
	if (kithd->target.port == 0)
		return -1;
	return sscanf(ca, "\"ca\":\"%511[^\"]", kithd->ca) == 1 ? 0 : -1;
}

static int
start(struct target *target, const struct needs *needs, const char *password)
{
	struct kithd *kithd = container_of(target, struct kithd, target);
	struct command command = { 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	make_command(&command, kithd, needs, password);
	kithd->pid = fork();
	if (kithd->pid == 0)
		run(&command, ends[1]);
	free_command(&command);
	(void)close(ends[1]);
	if (kithd->pid < 0) {
		kithd->pid = 0;
		(void)close(ends[0]);
		return -1;
	}
	kithd->was_started = true;
	return read_ready(kithd, ends[0]);
}

static int
stop(struct target *target)
{
	struct kithd *kithd = container_of(target, struct kithd, target);
	int status = 0;

	if (kithd->pid == 0)
		return 0;
	(void)kill(kithd->pid, SIGTERM);
	while (waitpid(kithd->pid, &status, 0) < 0 && errno == EINTR)
		;
	kithd->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void
crash(struct target *target)
{
	struct kithd *kithd = container_of(target, struct kithd, target);

	if (kithd->pid == 0)
		return;
	(void)kill(kithd->pid, SIGKILL);
	while (waitpid(kithd->pid, NULL, 0) < 0 && errno == EINTR)
		;
	kithd->pid = 0;
}

void
kithd_init(struct kithd *kithd, const char *path)
{
	*kithd = (struct kithd){
		.target = { .start = start, .stop = stop, .crash = crash, .ca = kithd->ca },
		.path = path,
	};
}

void
kithd_add(struct kithd *kithd, const char *option, const char *value)
{
	if (kithd->arg_count + 2 > KITHD_ARGS_MOST)
		die("too many options for the server");
	kithd->args[kithd->arg_count++] = option;
	kithd->args[kithd->arg_count++] = value;
}
