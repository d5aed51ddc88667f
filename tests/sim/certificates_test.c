/* The alarm for certificates goes off each day, on a simulated clock. */
#include "io/sim.h"
#include "io/tls.h"
#include "server/modules.h"
#include "server/server.h"
#include "server/server_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY_MS = 24 * 3600 * 1000, TEXT_BYTES = 16384 };

struct world {
	char directory[64];
	struct sim *sim;
	struct arena arena;
	struct config *config;
	struct log *log;
	struct server *server;
	int log_fd; /* where its lines can be read */
};

static const char *
path_of(struct world *w, const char *name)
{
	return arena_printf(&w->arena, "%s/%s", w->directory, name).p;
}

static int
set_up(void **state)
{
	static const char *const domains[] = { "localhost" };
	struct world *w = xcalloc(1, sizeof(*w));
	struct tls_error why;
	int ends[2];

	arena_init(&w->arena, 0);
	(void)snprintf(w->directory, sizeof(w->directory), "/tmp/kith-test-XXXXXX");
	if (mkdtemp(w->directory) == NULL || pipe(ends) < 0 ||
		tls_make(w->directory, domains, 1, &why) < 0)
		return -1;
	w->sim = sim_create(1);
	w->log_fd = ends[0];
	w->log = log_create(ends[1], LOG_TEXT, LOG_WARNING);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const files[] = { "ca.pem", "cert.pem", "key.pem" };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT_OF(files); i++)
		(void)unlink(path_of(w, files[i]));
	(void)rmdir(w->directory);
	sim_destroy(&w->sim);
	arena_finish(&w->arena);
	free(w);
	return 0;
}

static void
start(struct world *w)
{
	struct server_setup setup = { .modules = all_modules, .sim = w->sim, .log = w->log };
	struct config_error error = { "" };

	w->config = config_create(server_sections(all_modules, &w->arena));
	config_add_host(w->config, "localhost", path_of(w, "cert.pem"), path_of(w, "key.pem"));
	setup.config = w->config;
	(void)server_create(&setup, &w->server, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(server_start(w->server, &error), 0);
}

/* How often the sentence is in the log, which ends with this. */
static unsigned
count_lines(struct world *w, const char *sentence)
{
	static char text[TEXT_BYTES];
	const char *at = text;
	unsigned count = 0;
	ssize_t n;

	log_destroy(&w->log);
	n = read(w->log_fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	while ((at = strstr(at, sentence)) != NULL) {
		at++;
		count++;
	}
	return count;
}

/* The simulated clock begins before the certificate does. */
static void
each_day_has_its_warning(void **state)
{
	struct world *w = *state;
	int64_t first_ms = 0, last_ms = 0;

	start(w);
	assert_true(tls_context_dates(w->server->shards[0]->tls, "localhost", &first_ms, &last_ms));
	assert_int_equal((last_ms - first_ms) / DAY_MS, 365);
	assert_true(loop_wall_ms(w->server->shards[0]->loop) < first_ms);
	sim_pass(w->sim, 3 * (uint64_t)DAY_MS + 1000);
	server_stop(w->server);
	server_destroy(&w->server);
	config_destroy(&w->config);
	assert_int_equal(count_lines(w, "a certificate is not valid today"), 1 + 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_day_has_its_warning, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
