/* Builds the arrays of hooks, and explains them. */
#include "server/pipeline.h"

#include "server/module.h"

#include <stdlib.h>

/* A permutation that the seed decides; the identity for 0. */
static void
shuffle(const struct module **modules, size_t count, uint64_t seed)
{
	for (size_t i = count; seed != 0 && i > 1; i--) {
		const struct module *other;
		size_t j;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		j = (size_t)(seed >> 33) % i;
		other = modules[j];
		modules[j] = modules[i - 1];
		modules[i - 1] = other;
	}
}

static void
add_point_owner(struct pipeline *pipeline, enum hook_point point, const struct module *module)
{
	size_t n = 0;

	while (pipeline->at[point][n] != NULL)
		n++;
	pipeline->at[point][n] = module;
}

static void
add_module(struct pipeline *pipeline, const struct module *module)
{
	size_t n;

#define HOOK(kind, point, params, names, about) \
	if (module->on.point != NULL) { \
		for (n = 0; pipeline->point[n] != NULL; n++) \
			; \
		pipeline->point[n] = module->on.point; \
		add_point_owner(pipeline, HOOK_##point, module); \
	}
#include "server/hooks.def"
#undef HOOK
}

void
pipeline_init(
	struct pipeline *pipeline, const struct module *const *modules, size_t count, uint64_t seed)
{
	const struct module **order = xcalloc(count + 1, sizeof(*order));

#define HOOK(kind, point, params, names, about) \
	pipeline->point = xcalloc(count + 1, sizeof(pipeline->point[0])); \
	pipeline->at[HOOK_##point] = xcalloc(count + 1, sizeof(struct module *));
#include "server/hooks.def"
#undef HOOK
	for (size_t i = 0; i < count; i++)
		order[i] = modules[i];
	shuffle(order, count, seed);
	for (size_t i = 0; i < count; i++)
		add_module(pipeline, order[i]);
	free(order);
}

void
pipeline_finish(struct pipeline *pipeline)
{
#define HOOK(kind, point, params, names, about) \
	free(pipeline->point); \
	free(pipeline->at[HOOK_##point]);
#include "server/hooks.def"
#undef HOOK
	*pipeline = (struct pipeline){ 0 };
}

struct point {
	const char *kind, *name, *about;
};

static const struct point points[HOOK_POINTS] = {
#define HOOK(kind, point, params, names, about) [HOOK_##point] = { #kind, #point, about },
#include "server/hooks.def"
#undef HOOK
};

void
pipeline_explain(const struct pipeline *pipeline, FILE *out)
{
	for (size_t p = 0; p < HOOK_POINTS; p++) {
		(void)fprintf(
			out, "%-8s%-18s%s\n", points[p].kind, points[p].name, points[p].about);
		for (size_t i = 0; pipeline->at[p][i] != NULL; i++)
			(void)fprintf(out, "        %-18s- %s\n", "", pipeline->at[p][i]->name);
	}
}
