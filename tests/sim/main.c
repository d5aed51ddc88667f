/*
 * Runs scenarios in this process: server and clients on one simulated machine. Each file runs
 * with several numbers of shards and several seeds; a seed decides the order of everything that
 * happens, where streams are cut, the order of hooks, and what is drawn at random.
 *
 *	kith-sim [--shards N] [--seed N] [--seeds N] [--bytes N] FILE ...
 *
 * A run that fails is named with its seed, which repeats it.
 */
#include "io/sim.h"
#include "io/tls.h"
#include "seeded_random.h"
#include "sim_target.h"
#include "tools/kith-script/script.h"

#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of the certificate; the first is the one that scenarios mean without a word. */
static const char *const domains[] = { "localhost", "capulet.example", "montague.example" };

struct choices {
	unsigned shards;      /* 0: 1, 3 and 7 */
	uint64_t seed, seeds; /* the first, and how many */
	size_t bytes;         /* that arrive at once; 0: any number */
	char directory[256];  /* of the certificate */
	unsigned passed, failed;
};

/* One run. *trace_out: what the scheduler did. */
static int
run_once(const struct choices *choices, const char *path, unsigned shards, uint64_t seed,
	uint64_t *trace_out)
{
	struct sim *sim = sim_create(seed);
	struct sim_target_setup setup = {
		.sim = sim,
		.shards = shards,
		.hook_seed = seed,
		.directory = choices->directory,
		.domain = domains[0],
		.iterations = 4096,
	};
	struct script script = { .world = { .domain = domains[0], .password = "secret" } };
	struct sim_target *target;
	int r;

	seeded_random(seed);
	sim_set_segment(sim, choices->bytes);
	target = sim_target_create(&setup);
	script.target = sim_target_interface(target);
	script.world.loop = sim_loop_create(sim);
	script.world.names = names_create();
	script.world.sasl = sasl_context_create();
	r = script_run_file(&script, path);
	*trace_out = sim_trace(sim);
	sasl_context_destroy(&script.world.sasl);
	names_destroy(&script.world.names);
	loop_destroy(&script.world.loop);
	sim_target_destroy(&target);
	sim_destroy(&sim);
	return r;
}

static const char *
name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void
tell_failure(
	struct choices *choices, const char *path, unsigned shards, uint64_t seed, const char *what)
{
	choices->failed++;
	(void)printf("FAILED %.*s (shards %u)\n\trepeat it with --shards %u --seed %llu%s\n",
		(int)strcspn(name_of(path), "."), name_of(path), shards, shards,
		(unsigned long long)seed, what);
}

static void
run_seeds(struct choices *choices, const char *path, unsigned shards)
{
	uint64_t trace, again;

	for (uint64_t i = 0; i < choices->seeds; i++) {
		uint64_t seed = choices->seed + i;

		if (run_once(choices, path, shards, seed, &trace) == 0)
			continue;
		tell_failure(choices, path, shards, seed, "");
		return;
	}
	/* What cannot be repeated is of little use. */
	if (run_once(choices, path, shards, choices->seed + choices->seeds - 1, &again) < 0 ||
		again != trace) {
		tell_failure(choices, path, shards, choices->seed + choices->seeds - 1,
			", which goes another way each time");
		return;
	}
	choices->passed++;
	(void)printf(
		"ok %.*s (shards %u)\n", (int)strcspn(name_of(path), "."), name_of(path), shards);
}

static void
run_file(struct choices *choices, const char *path)
{
	static const unsigned shards[] = { 1, 3, 7 };

	for (size_t i = 0; i < COUNT_OF(shards); i++) {
		if (choices->shards == 0 || choices->shards == shards[i])
			run_seeds(choices, path, shards[i]);
	}
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

static int
run_all(struct choices *choices, char *const *paths)
{
	const char *tmp = getenv("TMPDIR");
	struct tls_error error;

	(void)snprintf(choices->directory, sizeof(choices->directory), "%s/kith-sim-XXXXXX",
		tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(choices->directory) == NULL)
		die("no temporary directory can be made");
	seeded_random(choices->seed);
	if (tls_make(choices->directory, domains, COUNT_OF(domains), &error) < 0)
		die("%s", error.text);
	for (; *paths != NULL; paths++)
		run_file(choices, *paths);
	(void)nftw(choices->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	(void)printf("%u passed, %u failed\n", choices->passed, choices->failed);
	return choices->passed > 0 && choices->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "shards", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'c' },
		{ "bytes", required_argument, NULL, 'b' },
		{ 0 },
	};
	struct choices choices = { .seed = 1, .seeds = 4 };
	int c;

	(void)signal(SIGPIPE, SIG_IGN);
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'n')
			choices.shards = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's') {
			choices.seed = strtoull(optarg, NULL, 10);
			choices.seeds = 1;
		} else if (c == 'c')
			choices.seeds = strtoull(optarg, NULL, 10);
		else if (c == 'b')
			choices.bytes = strtoull(optarg, NULL, 10);
		else
			return EXIT_FAILURE;
	}
	return run_all(&choices, argv + optind);
}
