/* Everything that a throwaway server makes, and its removal. */
#include "server/try.h"

#include "io/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int
fail(struct config_error *error, const char *what, const char *cure)
{
	int why = errno;

	(void)snprintf(
		error->text, sizeof(error->text), "%.200s: %s; %s", what, strerror(why), cure);
	return why == 0 ? -EIO : -why;
}

static int
make_directory(
	const struct try_options *options, struct try_state *state, struct config_error *error)
{
	const char *tmp = getenv("TMPDIR");
	char real[PATH_MAX];

	state->is_temporary = options->directory == NULL;
	if (state->is_temporary) {
		(void)snprintf(state->directory, sizeof(state->directory), "%s/kith-XXXXXX",
			tmp == NULL ? "/tmp" : tmp);
		if (mkdtemp(state->directory) == NULL)
			return fail(error, state->directory,
				"set TMPDIR to a directory that "
				"this user may write to");
		return 0;
	}
	if (mkdir(options->directory, 0700) < 0 && errno != EEXIST)
		return fail(error, options->directory, "choose a directory that can be made");
	if (realpath(options->directory, real) == NULL || strlen(real) >= sizeof(state->directory))
		return fail(error, options->directory, "choose a directory with a shorter path");
	memcpy(state->directory, real, strlen(real) + 1);
	return 0;
}

/*
 * In a process of its own, while there is one thread: what OpenSSL needs to make certificates, a
 * server that only uses one would carry along for good.
 */
static int
make_apart(const struct try_state *state, const char *const *domains, size_t count,
	struct config_error *error)
{
	struct tls_error why = { "the certificate cannot be made; is there memory for a process?" };
	int ends[2] = { -1, -1 }, status = -1;
	pid_t child = pipe2(ends, O_CLOEXEC) < 0 ? -1 : fork();

	if (child == 0) {
		int r = tls_make(state->directory, domains, count, &why);

		if (r < 0)
			(void)!write(ends[1], why.text, sizeof(why.text));
		_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	(void)close(ends[1]);
	if (child > 0) {
		(void)!read(ends[0], why.text, sizeof(why.text));
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	(void)close(ends[0]);
	if (status == 0)
		return 0;
	(void)snprintf(error->text, sizeof(error->text), "%.500s", why.text);
	return -EIO;
}

static int
make_certificate(
	const struct try_options *options, struct try_state *state, struct config_error *error)
{
	static const char *const fallback[] = { "localhost" };
	char path[sizeof(state->directory) + 16];

	(void)snprintf(path, sizeof(path), "%s/cert.pem", state->directory);
	if (access(path, R_OK) == 0)
		return 0;
	if (options->domain_count > 0)
		return make_apart(state, options->domains, options->domain_count, error);
	return make_apart(state, fallback, 1, error);
}

static void
set(struct config *config, const char *key, const char *value)
{
	struct config_error error;

	if (config_set(config, slice_of(key), slice_of(value), &error) < 0)
		die("%s", error.text);
}

static void
set_port(struct config *config, const char *key, unsigned base, unsigned offset)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", base == 0 ? 0 : base + offset);
	set(config, key, text);
}

int
try_prepare(const struct try_options *options, struct config *config, struct try_state *state,
	struct config_error *error)
{
	char certificate[sizeof(state->directory) + 16], key[sizeof(state->directory) + 16];
	int r = make_directory(options, state, error);

	if (r == 0)
		r = make_certificate(options, state, error);
	if (r < 0)
		return r;
	(void)snprintf(certificate, sizeof(certificate), "%s/cert.pem", state->directory);
	(void)snprintf(key, sizeof(key), "%s/key.pem", state->directory);
	for (size_t i = 0; i < options->domain_count; i++)
		config_add_host(config, options->domains[i], certificate, key);
	if (options->domain_count == 0)
		config_add_host(config, "localhost", certificate, key);
	set(config, "server.directory", state->directory);
	set(config, "c2s.addresses", "127.0.0.1, ::1");
	set_port(config, "c2s.port", options->port_base, 0);
	set_port(config, "c2s.tls_port", options->port_base, 1);
	return 0;
}

static int
connect_control(const struct try_state *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/kithd.sock", state->directory);

	if (fd >= 0 && n > 0 && (size_t)n < sizeof(address.sun_path) &&
		connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* One user, of the first domain unless it names one; who is there already gets the password. */
static bool
add_user(FILE *control, const char *user, const char *domain)
{
	const char *colon = strchr(user, ':'), *at = strchr(user, '@');
	bool has_domain = at != NULL && at < colon;
	char answer[256] = "";

	if (colon == NULL)
		return false;
	for (int i = 0; i < 2; i++) {
		(void)fprintf(control, "%s\t%.*s%s%s\t%s\n", i == 0 ? "user-add" : "user-passwd",
			(int)(colon - user), user, has_domain ? "" : "@", has_domain ? "" : domain,
			colon + 1);
		(void)fflush(control);
		if (fgets(answer, sizeof(answer), control) == NULL)
			return false;
		if (strcmp(answer, "ok\n") == 0)
			return true;
	}
	return false;
}

int
try_add_users(const struct try_options *options, const struct try_state *state,
	struct config_error *error)
{
	int fd = connect_control(state);
	FILE *control = fd < 0 ? NULL : fdopen(fd, "r+");
	int r = 0;

	if (control == NULL)
		return fail(error, "the control socket", "is the directory on a local disk?");
	for (size_t i = 0; r == 0 && i < options->user_count; i++) {
		if (add_user(control, options->users[i],
			    options->domain_count > 0 ? options->domains[0] : "localhost"))
			continue;
		r = -EINVAL;
		(void)snprintf(error->text, sizeof(error->text),
			"--user %.100s: cannot be added; give NAME:PASSWORD", options->users[i]);
	}
	(void)fclose(control);
	return r;
}

void
try_announce(const struct try_state *state, const struct config *config, unsigned port,
	unsigned tls_port)
{
	/* Ports of services that this version does not have are 0. */
	(void)printf("{\"domain\":\"%s\",\"pid\":%ld,\"c2s\":%u,\"c2s_tls\":%u,\"s2s\":0,"
		     "\"s2s_tls\":0,\"component\":0,\"http\":0,\"https\":0,\"ca\":\"%s/ca.pem\","
		     "\"dir\":\"%s\",\"component_secret\":\"\"}\n",
		config->hosts[0].domain, (long)getpid(), port, tls_port, state->directory,
		state->directory);
	(void)fflush(stdout);
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

void
try_clean(struct try_state *state)
{
	if (state->is_temporary && state->directory[0] != '\0')
		(void)nftw(state->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
