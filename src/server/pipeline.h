/*
 * The arrays of hooks per point, built once at start from the modules, in list order or, for
 * tests, in a random order that the seed repeats.
 */
#ifndef SERVER_PIPELINE_H
#define SERVER_PIPELINE_H

#include "server/hooks.h"

#include <stdio.h>

struct module;

struct pipeline {
#define HOOK(kind, point, params, names, about) HOOK_TYPE_##kind(**point) params;
#include "server/hooks.def"
#undef HOOK
	/* Which modules are at a point, for --explain. */
	const struct module **at[HOOK_POINTS];
};

/* modules: count of them. seed 0: list order. Read-only afterwards. */
void pipeline_init(struct pipeline *pipeline, const struct module *const *modules, size_t count,
	uint64_t seed);
void pipeline_finish(struct pipeline *pipeline);

/* Points, their sentences and their modules, for kithd --explain pipeline. */
void pipeline_explain(const struct pipeline *pipeline, FILE *out);

/*
 * One function per point, hook_POINT(pipeline, …): calls all modules there; a VETO point stops at
 * the first verdict that is not PASS.
 */
#define PIPELINE_CALL_VETO(point, names) \
	for (size_t i = 0; pipeline->point[i] != NULL; i++) { \
		struct verdict v = pipeline->point[i] names; \
		if (v.kind != VERDICT_PASS) \
			return v; \
	} \
	return pass();
#define PIPELINE_CALL_OBSERVE(point, names) \
	for (size_t i = 0; pipeline->point[i] != NULL; i++) \
		pipeline->point[i] names;
#define PIPELINE_CALL_COLLECT PIPELINE_CALL_OBSERVE
#define PIPELINE_PARAMS(...) const struct pipeline *pipeline, __VA_ARGS__
#define HOOK(kind, point, params, names, about) \
	static inline HOOK_TYPE_##kind hook_##point(PIPELINE_PARAMS params) \
	{ \
		PIPELINE_CALL_##kind(point, names) \
	}
#include "server/hooks.def"
#undef HOOK

#endif
